// Decides with policy.onnx in JavaScript, through onnxruntime-node.
//
//   npm install --ignore-scripts onnxruntime-node@1.30.0
//   node consumer.mjs policy.onnx candidates.bin N K D   (float32; prints an action a line)
import { readFileSync } from "node:fs";
import ort from "onnxruntime-node";

const [policy, file, ...shape] = process.argv.slice(2);
const bytes = readFileSync(file);
const rows = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const session = await ort.InferenceSession.create(policy, { intraOpNumThreads: 1 });
const candidates = new ort.Tensor("float32", rows, shape.map(Number));
const { action } = await session.run({ candidates });
console.log(Array.from(action.data, String).join("\n")); // int64 arrives as BigInt
