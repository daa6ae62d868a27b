/** Calling somebody who looks elsewhere: a word before the title, and two tones if he wants them. */

import { h } from "./dom.js";
import { t } from "./words.js";

const KEPT = "sound";
const TONES = [
  [0, 660],
  [0.18, 880],
];
const LASTS = 0.16;
const LOUDNESS = 0.12;
const MOST_MISSED = 2;

const plain = document.title;
let isOn = kept() === "on";
let sound = null;
let missed = [];

addEventListener("focus", calm);
document.addEventListener("visibilitychange", calm);

/** Put `text` before the title until somebody looks, and sound where that is switched on. */
export function call(text) {
  if (!isSeen()) {
    missed = [text, ...missed].slice(0, MOST_MISSED);
    document.title = `● ${[...missed, plain].join(" · ")}`;
  }
  if (isOn) ring();
}

/** Return the switch of the sound; the browser remembers it, and it sounds as it is switched on. */
export function soundSwitch() {
  const button = h("button", { class: "quiet", type: "button" });
  const show = () => {
    button.textContent = t(isOn ? "page.sound.on" : "page.sound.off");
  };
  button.addEventListener("click", () => {
    isOn = !isOn;
    keep(isOn ? "on" : "off");
    if (isOn) ring();
    show();
  });
  show();
  return button;
}

function isSeen() {
  return !document.hidden && document.hasFocus();
}

function calm() {
  if (!isSeen()) return;
  missed = [];
  document.title = plain;
}

/** Before anybody has touched the page the browser lets nothing sound. */
function ring() {
  if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
  sound ??= new AudioContext();
  for (const [after, pitch] of TONES) {
    const from = sound.currentTime + after;
    const tone = new OscillatorNode(sound, { frequency: pitch });
    const volume = new GainNode(sound, { gain: LOUDNESS });
    volume.gain.setTargetAtTime(0, from + LASTS / 2, LASTS / 6);
    tone.connect(volume).connect(sound.destination);
    tone.start(from);
    tone.stop(from + LASTS);
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keep(value) {
  try {
    localStorage.setItem(KEPT, value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}
