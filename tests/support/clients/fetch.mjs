// node fetch.mjs URL FILE: node's own fetch, with the picture as a Buffer, a Blob and in V2 JSON.
// Prints a line a call: the status and how many faces there are, or the error.

import { readFile } from "node:fs/promises";

const [url, file] = process.argv.slice(2);
const picture = await readFile(file);
const tensor = { name: "image", datatype: "BYTES", shape: [1], data: [picture.toString("base64")] };
const calls = [
  { body: picture, headers: { "content-type": "image/jpeg" } },
  { body: new Blob([picture], { type: "IMAGE/JPEG" }) },
  { body: JSON.stringify({ inputs: [tensor] }), headers: { "content-type": "application/json" } },
  { body: picture },
];
for (const call of calls) {
  const answer = await fetch(url, { method: "POST", ...call });
  const content = await answer.json();
  console.log(answer.status, answer.ok ? content.outputs[0].shape[0] : `${content.code}: ${content.error}`);
}
