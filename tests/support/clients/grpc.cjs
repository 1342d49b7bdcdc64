// node grpc.cjs DESCRIPTORS HOST:PORT PICTURE FACE: @grpc/grpc-js with the protocol's descriptors.
// FACE has the 9216 bytes of a 96x96 face. Prints a line a call.

const { readFileSync } = require("node:fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [protocol, address, picture, face] = process.argv.slice(2);
const { inference } = grpc.loadPackageDefinition(loader.loadFileDescriptorSetFromBuffer(readFileSync(protocol)));
const client = new inference.GRPCInferenceService(address, grpc.credentials.createInsecure());
const image = readFileSync(picture);
const length = Buffer.alloc(4);
length.writeUInt32LE(image.length);
const faces = (contents) => ({ name: "face", datatype: "UINT8", shape: [1, 1, 96, 96], contents });
const requests = {
  raw: {
    inputs: [{ name: "image", datatype: "BYTES", shape: [1] }],
    raw_input_contents: [Buffer.concat([length, image])],
  },
  typed: {
    inputs: [{ name: "image", datatype: "BYTES", shape: [1], contents: { bytes_contents: [image] } }],
  },
  face: { inputs: [faces({ uint_contents: [...readFileSync(face)] })] },
  wrong: { inputs: [faces({ uint_contents: [1, 2, 3] })] },
};

async function call(name) {
  const request = { model_name: "unet", ...requests[name] };
  return new Promise((resolve) => {
    client.ModelInfer(request, { deadline: Date.now() + 30000 }, (error, answer) => {
      const code = error?.metadata.get("landmarks-error-code")[0];
      resolve(error ? `${grpc.status[error.code]} ${code}` : `OK ${answer.outputs[0].shape[0]}`);
    });
  });
}

(async () => {
  for (const name of Object.keys(requests)) console.log(name, await call(name));
  client.close();
})();
