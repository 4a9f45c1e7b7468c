// Strings, objects and closures live in V8's own heap, which maps its pages itself; the bytes of buffers
// and typed arrays above the pool's size are malloc's or calloc's. Both are made here, kept for a while and dropped.
"use strict";
const crypto = require("crypto");

let state = 1;
function nextBelow(limit) {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >>> 8) % limit;
}

const kept = new Array(400);
const hash = crypto.createHash("sha256");
for (let step = 0; step < 200000; ++step) {
  const record = { step, name: "record-" + nextBelow(100000), tags: [] };
  for (let tag = nextBelow(20); tag > 0; --tag) record.tags.push("tag" + nextBelow(1000));
  const text = JSON.stringify(record);
  const bytes = new Uint8Array(64 + nextBelow(step % 50 === 0 ? 262144 : 16384));
  bytes.set(Buffer.from(text).subarray(0, bytes.length));
  kept[nextBelow(kept.length)] = { record, bytes };
  if (step % 100 === 0) hash.update(text).update(kept.find((entry) => entry).bytes);
}
console.log(hash.digest("hex"), kept.filter((entry) => entry).length);
