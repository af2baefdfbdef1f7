// Tones made here, so that no file has to be loaded: two short ones, one long one, three even ones.

const TONES = {
  admit: [[880, 0, 0.1], [1318, 0.14, 0.14]],
  refuse: [[196, 0, 0.75]],
  attention: [[587, 0, 0.13], [587, 0.22, 0.13], [587, 0.44, 0.13]],
};
const SHAPES = { admit: "sine", refuse: "square", attention: "triangle" };
const LOUD = { admit: 0.5, refuse: 0.28, attention: 0.5 };

let context = null;

// A browser lets a page sound only when somebody has touched it, or when it was started so.
export function maySound() {
  return context !== null && context.state === "running";
}

export async function switchOn() {
  context ??= new AudioContext();
  if (context.state === "suspended") {
    await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 300))]);
  }
  return maySound();
}

export function sound(name) {
  if (!maySound() || !TONES[name]) return;
  for (const [hertz, after, lasts] of TONES[name]) tone(name, hertz, context.currentTime + after, lasts);
}

function tone(name, hertz, from, lasts) {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.type = SHAPES[name];
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, from);
  gain.gain.linearRampToValueAtTime(LOUD[name], from + 0.012);
  gain.gain.setValueAtTime(LOUD[name], from + lasts - 0.03);
  gain.gain.linearRampToValueAtTime(0, from + lasts);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(from);
  oscillator.stop(from + lasts);
}
