/** Asking the market over HTTP, as any program would. */

import { learn } from "./clock.js";
import { language } from "./words.js";

const BASE = "/api/v1";
const TRIES = 4;
const PATIENCE = 20_000;

/** A refusal: `document` is the problem document, `code` its stable name, `sent` what was asked. */
export class Problem extends Error {
  constructor(status, document, sent = {}) {
    super(document.detail || document.title || String(status));
    this.sent = sent;
    this.status = status;
    this.document = document;
    this.code = document.code;
  }
}

/** Return a fresh command id. */
export function newKey() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function get(path) {
  return asked("GET", path);
}

/**
 * Change something. The command id is kept for every further try of the same act, so a lost
 * answer is asked for again and the act happens once.
 */
export function send(method, path, body, key = newKey()) {
  return asked(method, path, { key, body });
}

/** Ask for the market's time and set the clock by it. */
export async function askTime() {
  const began = performance.now();
  const { now } = await get("/time");
  learn(now, performance.now() - began);
}

async function asked(method, path, { key, body } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const found = await answered(method, path, key, body);
    const isBusy = found === null || [429, 503].includes(found.status);
    if (!isBusy || attempt === TRIES) return taken(found, { path, body });
    const wait = Number(found?.headers.get("Retry-After") ?? 0) * 1000;
    await new Promise((go) => setTimeout(go, Math.max(wait, 300 * 2 ** attempt * (0.5 + Math.random()))));
  }
}

/** Return the response, or null when the line broke before there was one. */
async function answered(method, path, key, body) {
  const headers = { Accept: "application/json", "Accept-Language": language };
  if (key) headers["Idempotency-Key"] = key;
  const type = body instanceof Blob ? body.type : typeof body === "string" ? "text/csv" : "application/json";
  if (method !== "GET") headers["Content-Type"] = type;
  const isJson = type === "application/json";
  const content = method === "GET" ? undefined : isJson ? JSON.stringify(body ?? {}) : body;
  try {
    return await fetch(BASE + path, {
      method,
      headers,
      body: content,
      signal: AbortSignal.timeout(PATIENCE),
      cache: "no-store",
    });
  } catch {
    return null;
  }
}

async function taken(found, sent) {
  if (found === null) throw new Problem(0, { code: "no_line" });
  const text = await found.text();
  const document = text ? JSON.parse(text) : {};
  if (found.ok) return document;
  throw new Problem(found.status, document, sent);
}
