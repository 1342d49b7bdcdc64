// A V2 request with raw tensors, and an answer of them.
export const JSON_LENGTH = "inference-header-content-length";

/** Write a request about a picture, in boxes if there are any, as body and headers. */
export function writeRequest(picture, boxes, parameters, names = []) {
  const tensors = [["image", "BYTES", [1], 4 + picture.size]];
  if (boxes) tensors.push(["boxes", "FP32", [boxes.length, 4], 16 * boxes.length]);
  const inputs = tensors.map(([name, datatype, shape, size]) => ({ name, datatype, shape, parameters: { binary_data_size: size } }));
  const outputs = names.map((name) => ({ name, parameters: { binary_data: true } }));
  const head = new TextEncoder().encode(JSON.stringify({ inputs, outputs, parameters }));
  const body = new Blob([head, new Uint32Array([picture.size]), picture, new Float32Array((boxes ?? []).flat())]);
  return [body, { "content-type": "application/octet-stream", [JSON_LENGTH]: `${head.length}` }];
}

/** Read an answer's outputs by name, each {shape, data}. */
export async function readTensors(answer) {
  const [bytes, size] = [await answer.arrayBuffer(), Number(answer.headers.get(JSON_LENGTH))];
  const found = {};
  let start = size;
  for (const { name, shape, datatype, parameters } of JSON.parse(new TextDecoder().decode(bytes.slice(0, size))).outputs) {
    const values = bytes.slice(start, (start += parameters.binary_data_size));
    found[name] = { shape, data: datatype === "UINT8" ? new Uint8Array(values) : new Float32Array(values) };
  }
  return found;
}
