// The service is asked, and its answer read.
const SECONDS = 40; // that an answer may take
const TRIES = 4; // of one request, where the service says when to come back
const round = (value, digits) => Number(value.toFixed(digits));

/** Ask the service, again where it says when; throws an Error with a sentence. */
export async function ask(url, request = {}, tell = () => {}) {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(1000 * SECONDS) }).catch((error) => {
      const late = error.name === "TimeoutError";
      throw new Error(late ? `No answer came within ${SECONDS} seconds.` : "The service cannot be reached.");
    });
    if (answer.ok) return answer;
    const wait = answer.headers.get("retry-after");
    const said = await answer.json().catch(() => ({}));
    const sentence = said.error ?? `Something on the way answered ${answer.status} ${answer.statusText}.`;
    if (wait === null || tried === TRIES) throw new Error(sentence);
    tell(`${sentence} Trying again …`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(10, Number(wait) || 1)));
  }
}

/** Read an answer's faces as the client writes them. */
export function readFaces({ outputs }, { names, low }) {
  const data = Object.fromEntries(outputs.map((output) => [output.name, output.data]));
  const points = outputs.find(({ name }) => name === "landmarks").shape[1];
  return data.box_scores.map((box_score, i) => ({
    box: data.boxes.slice(4 * i, 4 * i + 4).map((value) => round(value, 2)),
    box_score: round(box_score, 3),
    points: Array.from({ length: points }, (_, k) => i * points + k).map((at, k) => ({
      name: names[k] ?? `point_${k}`,
      x: round(data.landmarks[2 * at], 2),
      y: round(data.landmarks[2 * at + 1], 2),
      score: round(data.scores[at], 3),
    })),
    face_score: round(data.face_scores[i], 3),
    trusted: data.face_scores[i] >= low,
  }));
}
