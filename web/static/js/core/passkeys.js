/** Passkeys: the browser's own dialog is asked what the market wrote, and its answer written down. */

import { Problem, send } from "./api.js";
import { t } from "./words.js";

const isNamed = !/^[\d.]+$|^\[/.test(location.hostname);

/** Whether a passkey can be used here: a browser binds it to a name, over TLS or on this machine. */
export const isAvailable = isNamed && isSecureContext && "PublicKeyCredential" in window;

/** Sign in with a passkey of the device's choice. */
export async function signIn() {
  return send("POST", "/sessions/passkey", { passkey: await signed() });
}

/** Let a passkey sign a challenge, and return what it says. */
export async function signed() {
  const asked = await send("POST", "/sessions/passkey/challenge");
  const { rawId, response } = await given(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: bytes(asked.challenge),
        rpId: asked.rp_id,
        timeout: asked.lifetime_ms,
        userVerification: "required",
      },
    }),
  );
  return {
    credential_id: text(rawId),
    client_data: text(response.clientDataJSON),
    authenticator_data: text(response.authenticatorData),
    signature: text(response.signature),
    user_handle: text(response.userHandle ?? new ArrayBuffer(0)),
  };
}

/** Let the device make a passkey as the market asked, and return what it says. */
export async function made(asked) {
  const { rawId, response } = await given(() =>
    navigator.credentials.create({
      publicKey: {
        challenge: bytes(asked.challenge),
        rp: { id: asked.rp_id, name: asked.rp_name },
        user: { id: bytes(asked.user_id), name: asked.login, displayName: asked.person_name },
        pubKeyCredParams: asked.algorithms.map((alg) => ({ type: "public-key", alg })),
        excludeCredentials: asked.known.map((id) => ({ type: "public-key", id: bytes(id) })),
        authenticatorSelection: {
          residentKey: "required",
          requireResidentKey: true,
          userVerification: "required",
        },
        attestation: "none",
        timeout: asked.lifetime_ms,
      },
    }),
  );
  return {
    credential_id: text(rawId),
    client_data: text(response.clientDataJSON),
    attestation: text(response.attestationObject),
  };
}

/** Return what the dialog gave; one that was closed, or that timed out, is no fault of ours. */
async function given(ask) {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    throw new Problem(0, { code: "passkey_left", detail: t("page.passkey_left") });
  }
}

function bytes(encoded) {
  const plain = atob(encoded.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
