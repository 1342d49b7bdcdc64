// What goes to the service and comes back: the model's names, faces, heatmaps.
import { readBinary, readFaces, readTimings } from "./answer.js";

const TRIES = 4; // of one request, where the service says when to come back
const LONGEST_WAIT = 10; // seconds between two of them

/** An answer that is none: the service's own sentence, or what became of the connection. */
export class AskError extends Error {
  constructor(message, code, retryAfter = null) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter; // seconds
    this.mayPass = retryAfter !== null || code === "unreachable" || code === "timeout";
  }
}

/** Where a model is asked, as an absolute address. */
export function findInfer(model) {
  return new URL(`v2/models/${encodeURIComponent(model)}/infer`, document.baseURI).href;
}

/** The media type that a file is sent with: who wants to know more asks the service. */
export function findType(file) {
  return file.type.startsWith("image/") ? file.type : "image/jpeg";
}

/** The name of the served model and of its points. */
export async function fetchModel() {
  const listed = await (await send("v2/models", {})).json();
  const name = listed.models[0];
  const known = await (await send(`v2/models/${encodeURIComponent(name)}`, {})).json();
  return { name, points: known.parameters?.landmarks?.points ?? null };
}

/** The faces of a picture, their points named, and how long each stage took. */
export async function askFaces(model, file, told) {
  const begun = performance.now();
  const request = { method: "POST", body: file, headers: { "content-type": findType(file) } };
  const answer = await sendAgain(findInfer(model.name), request, told);
  const content = await answer.json();
  return {
    faces: readFaces(content, model.points),
    timings: readTimings(answer.headers.get("server-timing") ?? ""),
    set: answer.headers.get("landmarks-set"),
    milliseconds: performance.now() - begun,
  };
}

/** The heatmaps of a picture's faces, and where they lie in it. */
export async function askHeatmaps(model, file) {
  const outputs = ["heatmaps", "crops"].map((name) => ({ name, parameters: { binary_data: true } }));
  const image = { name: "image", datatype: "BYTES", shape: [1], parameters: { binary_data_size: 4 + file.size } };
  const head = new TextEncoder().encode(JSON.stringify({ inputs: [image], outputs }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, file.size, true);
  const answer = await sendAgain(findInfer(model.name), {
    method: "POST",
    body: new Blob([head, length, file]),
    headers: { "content-type": "application/octet-stream", "inference-header-content-length": String(head.length) },
  });
  const size = Number(answer.headers.get("inference-header-content-length"));
  return readBinary(await answer.arrayBuffer(), size);
}

/** Send a request as often as a busy service asks for it. */
async function sendAgain(url, request, told = () => {}) {
  for (let tried = 1; ; tried++) {
    try {
      return await send(url, request);
    } catch (error) {
      if (!(error instanceof AskError) || error.retryAfter === null || tried >= TRIES) throw error;
      const seconds = Math.min(LONGEST_WAIT, Math.max(0.2, error.retryAfter));
      told(`${error.message} Trying again in ${Math.ceil(seconds)} s.`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }
}

/** Send a request, whose answer has a time; throws AskError for whatever is no answer. */
async function send(url, request) {
  const seconds = Number(document.documentElement.dataset.seconds);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 1000 * seconds);
  let answer, body;
  try {
    answer = await fetch(url, { ...request, signal: stop.signal });
    body = await answer.arrayBuffer(); // within the same time
  } catch {
    if (stop.signal.aborted) throw new AskError(`No answer came within ${seconds} seconds.`, "timeout");
    throw new AskError("The service cannot be reached.", "unreachable");
  } finally {
    clearTimeout(timer);
  }
  if (answer.ok) return new Response(body, { headers: answer.headers });
  const again = answer.headers.get("retry-after");
  const retryAfter = again === null ? null : Number(again) || 1; // or it is a date
  let said = {};
  try {
    said = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // a gateway's page, perhaps
  }
  const what = `Something on the way answered ${answer.status} ${answer.statusText}`.trimEnd();
  throw new AskError(String(said.error ?? `${what}.`), String(said.code ?? answer.status), retryAfter);
}
