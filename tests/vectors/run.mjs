// Run the test vectors:  node run.mjs [FOLDER]
//
// An implementation of what the vectors ask for, independent of the Python one, in plain Node.
// Start reading at the end: the loop comes last.  Exit status: 0 if every vector agrees.

import { createHmac, timingSafeEqual } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DELIMITER = Buffer.from("<IDS|MSG>");
const CHANNELS = ["shell", "iopub", "stdin", "control", "hb"];
const PORTS = CHANNELS.map((name) => `${name}_port`);
const PARTS = ["header", "parent_header", "metadata", "content"];
const MAX_DEPTH = 400;
const folder = process.argv[2] ?? fileURLToPath(new URL(".", import.meta.url));

/** What came is refused: with a verdict, and sometimes with the field to blame. */
class Refused extends Error {
  constructor(verdict, culprit) {
    super(verdict);
    this.result = culprit === undefined ? { verdict } : { verdict, culprit };
  }
}

const check = (condition, verdict, culprit) => {
  if (!condition) throw new Refused(verdict, culprit);
};
const bytes = (hex) => Buffer.from(hex, "hex");
const hex = (frames) => frames.map((frame) => frame.toString("hex"));
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

// --- frames ---------------------------------------------------------------------------------

/** Digests have other names in OpenSSL than in Python. */
function digestName(scheme) {
  const name = /^hmac-([a-z0-9_]+)$/.exec(scheme)?.[1];
  return { blake2b: "blake2b512", blake2s: "blake2s256" }[name] ?? name?.replace("_", "-");
}

function sign(key, scheme, parts) {
  let hmac;
  try {
    if (/shake/.test(scheme)) throw new Error("a digest without a size of its own");
    hmac = createHmac(digestName(scheme), key);
  } catch {
    throw new Refused("bad-scheme");
  }
  if (key === "") return Buffer.alloc(0);
  for (const part of parts) hmac.update(part);
  return Buffer.from(hmac.digest("hex"));
}

function decode(part) {
  let value;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(part);
    value = JSON.parse(text);
  } catch {
    throw new Refused("bad-part");
  }
  check(isObject(value), "not-an-object");
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    check(depth < MAX_DEPTH, "too-deep");
    level = level.flatMap(Object.values).filter((each) => typeof each === "object" && each);
  }
  return value;
}

/** One side of a conversation. It remembers the signatures that it has accepted. */
class Receiver {
  constructor({ key, signature_scheme: scheme, max_size: maxSize = 2 ** 28 }) {
    Object.assign(this, { key, scheme, maxSize, seen: new Set() });
  }

  read(frames) {
    const at = frames.findIndex((frame) => frame.equals(DELIMITER));
    check(at >= 0 && frames.length >= at + 6, "bad-frames");
    const [signature, ...rest] = frames.slice(at + 1);
    const parts = rest.slice(0, 4);
    check(Buffer.concat(parts).length <= this.maxSize, "too-large");
    if (this.key !== "") this.verify(signature, parts);
    const dicts = Object.fromEntries(PARTS.map((name, index) => [name, decode(parts[index])]));
    for (const name of ["msg_id", "msg_type", "session"]) {
      check(typeof dicts.header[name] === "string", "bad-header");
    }
    return { identities: hex(frames.slice(0, at)), ...dicts, buffers: hex(rest.slice(4)) };
  }

  verify(signature, parts) {
    check(signature.length > 0, "unsigned");
    const expected = sign(this.key, this.scheme, parts);
    const same = signature.length === expected.length && timingSafeEqual(signature, expected);
    check(same, "bad-signature");
    const digits = signature.toString();
    check(!this.seen.has(digits), "replayed");
    this.seen.add(digits);
  }
}

// --- dates and cursors ----------------------------------------------------------------------

const DATE =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))?$/;

function instant(text) {
  const match = typeof text === "string" ? DATE.exec(text) : null;
  check(match, "invalid");
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const [fraction = "", sign, hours = "0", minutes = "0"] = match.slice(7);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would take 26 for 1926
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  check(exists && hour < 24 && minute < 60 && second < 60, "invalid");
  check(Number(hours) < 24 && Number(minutes) < 60, "invalid");
  check(sign || text.endsWith("Z"), "no-zone");
  date.setUTCHours(hour, minute, second);
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 * (sign === "-" ? -1 : 1);
  return {
    unix_seconds: date.getTime() / 1000 - offset,
    nanoseconds: Number(fraction.padEnd(9, "0")),
  };
}

const isSurrogate = (point) => point >= 0xd800 && point <= 0xdfff;
const width = {
  code_points: () => 1,
  utf16: (point) => (point > 0xffff ? 2 : 1),
  utf8: (point) => (point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4),
};

/** Count a position in all units. A string in JavaScript is iterated by code points. */
function convert(text, unit, position) {
  const result = { code_points: 0, utf16: 0, utf8: 0 };
  let left = position;
  for (const char of text) {
    const point = char.codePointAt(0);
    left -= width[unit](point);
    if (left < 0) break;
    result.code_points += 1;
    result.utf16 += width.utf16(point);
    if (isSurrogate(point)) result.utf8 = null;
    if (result.utf8 !== null) result.utf8 += width.utf8(point);
  }
  return result;
}

// --- files ----------------------------------------------------------------------------------

function readObject(given) {
  if ("content" in given) return given.content;
  try {
    return decode(bytes(given.hex));
  } catch {
    throw new Refused("bad", null);
  }
}

function endpoint(transport, ip, port) {
  if (transport === "ipc") return `ipc://${ip}-${port}`;
  return ip.includes(":") ? `tcp://[${ip}]:${port}` : `tcp://${ip}:${port}`;
}

const isPort = (value, least) => Number.isInteger(value) && value >= least && value <= 65535;

function checkAddress(info, ip) {
  for (const name of ["transport", ip, "key", "signature_scheme"]) {
    check(typeof info[name] === "string", "bad", name);
  }
  check(["tcp", "ipc"].includes(info.transport), "bad", "transport");
  check(info[ip] !== "", "bad", ip);
  try {
    sign("key", info.signature_scheme, []);
  } catch {
    throw new Refused("bad", "signature_scheme");
  }
}

const Z85 =
  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

function isCurveKey(text) {
  const digits = [...text].map((char) => Z85.indexOf(char));
  if (digits.length !== 40 || digits.includes(-1)) return false;
  return [0, 5, 10, 15, 20, 25, 30, 35].every(
    (at) => digits.slice(at, at + 5).reduce((sum, digit) => sum * 85 + digit, 0) < 2 ** 32,
  );
}

function connectionUrls(info) {
  for (const name of PORTS) check(isPort(info[name], 0), "bad", name);
  checkAddress(info, "ip");
  for (const name of ["kernel_name", "curve_publickey", "curve_secretkey"]) {
    check(typeof (info[name] ?? "") === "string", "bad", name);
  }
  const curve = ["curve_publickey", "curve_secretkey"];
  for (const name of curve.some((each) => info[each]) ? curve : []) {
    check(info[name] && isCurveKey(info[name]), "bad", name);
  }
  const url = (name) => endpoint(info.transport, info.ip, info[`${name}_port`]);
  return Object.fromEntries(CHANNELS.map((name) => [name, url(name)]));
}

function registrationUrl(info) {
  check(typeof info.kernel_id === "string" && info.kernel_id, "bad", "kernel_id");
  checkAddress(info, "registration_ip");
  check(isPort(info.registration_port, 1), "bad", "registration_port");
  return endpoint(info.transport, info.registration_ip, info.registration_port);
}

function handshake(registration, frames) {
  const at = frames.findIndex((frame) => frame.equals(DELIMITER));
  check(at >= 0 && frames.length === at + 3, "bad-frames");
  const [signature, content] = frames.slice(at + 1);
  check(signature.length > 0, "unsigned");
  const expected = sign(registration.key, registration.signature_scheme, [content]);
  check(signature.equals(expected), "bad-signature");
  const report = decode(content);
  check(report.kernel_id === registration.kernel_id, "bad-field", "kernel_id");
  const info = { ...registration, ip: registration.registration_ip };
  for (const name of PORTS) {
    const isText = ["string", "number"].includes(typeof report[name]);
    check(isText && /^[0-9]{1,5}$/.test(report[name]), "bad-field", name);
    info[name] = Number(report[name]);
    check(isPort(info[name], 1), "bad-field", name);
  }
  return connectionUrls(info);
}

const isTexts = (value) => Object.values(value).every((each) => typeof each === "string");

function kernelSpec(spec, given) {
  const { argv, interrupt_mode: mode = "signal", env = {}, metadata = {} } = spec;
  check(Array.isArray(argv) && argv.length > 0 && isTexts(argv), "bad", "argv");
  check(typeof spec.display_name === "string", "bad", "display_name");
  check(typeof spec.language === "string", "bad", "language");
  check(["signal", "message"].includes(mode), "bad", "interrupt_mode");
  check(isObject(env) && isTexts(env), "bad", "env");
  check(isObject(metadata), "bad", "metadata");
  const words = { connection_file: given.connection_file, resource_dir: given.resource_dir };
  const fill = (word) => word.replace(/\{([A-Za-z0-9_]+)\}/g, (all, name) => words[name] ?? all);
  const substitute = (text) =>
    text.replace(/\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (all, dollar, bare, braced) =>
      dollar ? "$" : (given.environ[bare ?? braced] ?? all),
    );
  const filled = Object.entries(env).map(([name, text]) => [name, substitute(text)]);
  return {
    interrupt_mode: mode,
    argv: argv.map(fill),
    env: { ...given.environ, ...Object.fromEntries(filled) },
  };
}

// --- WebSockets -----------------------------------------------------------------------------

const isChannel = (name) => ["shell", "iopub", "stdin", "control"].includes(name);

/** Cut data at the offsets in its table; write the pieces again to see whether that is the same. */
function cut(data, word, read, least) {
  check(data.length >= word, "bad-offsets");
  const count = Number(read(data, 0));
  check(count >= least && word * (count + 1) <= data.length, "bad-offsets");
  const offsets = Array.from({ length: count }, (_, at) => Number(read(data, word * (at + 1))));
  check(offsets[0] >= word * (count + 1) && offsets[count - 1] <= data.length, "bad-offsets");
  check(offsets.every((each, at) => at === 0 || offsets[at - 1] <= each), "bad-offsets");
  return offsets;
}

function websocketV1(data) {
  const offsets = cut(data, 8, (from, at) => from.readBigUInt64LE(at), 6);
  check(offsets.at(-1) === data.length, "bad-offsets");
  const pieces = offsets.slice(1).map((end, at) => data.subarray(offsets[at], end));
  const channel = pieces[0].toString();
  check(isChannel(channel), "bad-channel");
  const table = Buffer.alloc(8 * (offsets.length + 1));
  table.writeBigUInt64LE(BigInt(offsets.length), 0);
  let end = table.length;
  [...pieces, []].forEach((piece, at) => {
    table.writeBigUInt64LE(BigInt(end), 8 * (at + 1));
    end += piece.length;
  });
  return {
    channel,
    message: message(pieces.slice(1, 5).map(decode), pieces.slice(5)),
    canonical: Buffer.concat([table, ...pieces]).equals(data),
  };
}

function websocketLegacy(data) {
  const offsets = cut(data, 4, (from, at) => from.readUInt32BE(at), 1);
  const ends = [...offsets.slice(1), data.length];
  const pieces = offsets.map((start, at) => data.subarray(start, ends[at]));
  const table = Buffer.alloc(4 * (pieces.length + 1));
  table.writeUInt32BE(pieces.length, 0);
  let start = table.length;
  pieces.forEach((piece, at) => {
    table.writeUInt32BE(start, 4 * (at + 1));
    start += piece.length;
  });
  const canonical = Buffer.concat([table, ...pieces]).equals(data);
  return { ...websocketText(pieces[0], pieces.slice(1)), canonical };
}

function websocketText(text, buffers = []) {
  const whole = decode(text);
  const dicts = PARTS.map((name) => whole[name]);
  check(dicts.every(isObject), "bad-part");
  const { channel = "shell" } = whole;
  check(isChannel(channel), "bad-channel");
  return { channel, message: message(dicts, buffers) };
}

function message(dicts, buffers) {
  const parts = PARTS.map((name, index) => [name, dicts[index]]);
  return { ...Object.fromEntries(parts), buffers: hex(buffers) };
}

/** In a WebSocket message a part that is no object is as bad as one that is no JSON. */
function webSocket(read) {
  try {
    return { verdict: "good", ...read() };
  } catch (error) {
    if (error.message === "not-an-object") throw new Refused("bad-part");
    throw error;
  }
}

// --- pickles --------------------------------------------------------------------------------

class Stranger {
  constructor(name, isClass) {
    Object.assign(this, { name, isClass, state: new Map() });
  }
}
class Tuple extends Array {}
const MARK = Symbol("mark");

/** Read a pickle of protocol 4, as far as plain values need it. What it names is not run. */
function unpickle(data) {
  const stack = [];
  const memo = [];
  let at = 0;
  const take = (size) => data.subarray(at, (at += size));
  const uint = (size) => (size === 0 ? 0 : take(size).readUIntLE(0, size));
  const long = (size) => (size === 8 ? Number(take(8).readBigUInt64LE()) : uint(size));
  const toMark = () => stack.splice(stack.lastIndexOf(MARK)).slice(1);
  const make = (callable) => new Stranger(callable.name, false);
  const pairs = (map, items) => {
    for (let index = 0; index < items.length; index += 2) map.set(items[index], items[index + 1]);
  };
  const operations = {
    0x80: () => take(1), // PROTO
    0x95: () => take(8), // FRAME
    0x94: () => memo.push(stack.at(-1)), // MEMOIZE
    0x68: () => stack.push(memo[uint(1)]), // BINGET
    0x6a: () => stack.push(memo[uint(4)]), // LONG_BINGET
    0x4e: () => stack.push(null), // NONE
    0x88: () => stack.push(true), // NEWTRUE
    0x89: () => stack.push(false), // NEWFALSE
    0x4b: () => stack.push(uint(1)), // BININT1
    0x4d: () => stack.push(uint(2)), // BININT2
    0x4a: () => stack.push(take(4).readInt32LE()), // BININT
    0x8a: () => {
      const size = uint(1); // LONG1
      stack.push(size === 0 ? 0 : take(size).readIntLE(0, size));
    },
    0x47: () => stack.push(take(8).readDoubleBE()), // BINFLOAT
    0x8c: () => stack.push(take(uint(1)).toString()), // SHORT_BINUNICODE
    0x58: () => stack.push(take(uint(4)).toString()), // BINUNICODE
    0x43: () => stack.push(take(uint(1))), // SHORT_BINBYTES
    0x42: () => stack.push(take(uint(4))), // BINBYTES
    0x8e: () => stack.push(take(long(8))), // BINBYTES8
    0x28: () => stack.push(MARK), // MARK
    0x30: () => stack.pop(), // POP
    0x5d: () => stack.push([]), // EMPTY_LIST
    0x61: () => {
      const item = stack.pop(); // APPEND
      stack.at(-1).push(item);
    },
    0x65: () => {
      const items = toMark(); // APPENDS
      stack.at(-1).push(...items);
    },
    0x7d: () => stack.push(new Map()), // EMPTY_DICT
    0x73: () => {
      const pair = stack.splice(-2); // SETITEM
      pairs(stack.at(-1), pair);
    },
    0x75: () => {
      const items = toMark(); // SETITEMS
      pairs(stack.at(-1), items);
    },
    0x29: () => stack.push(new Tuple()), // EMPTY_TUPLE
    0x85: () => stack.push(Tuple.from(stack.splice(-1))), // TUPLE1
    0x86: () => stack.push(Tuple.from(stack.splice(-2))), // TUPLE2
    0x87: () => stack.push(Tuple.from(stack.splice(-3))), // TUPLE3
    0x74: () => stack.push(Tuple.from(toMark())), // TUPLE
    0x93: () => stack.push(new Stranger(stack.splice(-2).join(":"), true)), // STACK_GLOBAL
    0x81: () => stack.push(make(stack.splice(-2)[0])), // NEWOBJ
    0x52: () => stack.push(make(stack.splice(-2)[0])), // REDUCE
    0x62: () => {
      const state = stack.pop(); // BUILD
      pairs(stack.at(-1).state, [...state].flat());
    },
  };
  for (;;) {
    const code = data[at++];
    if (code === 0x2e) return stack.pop(); // STOP
    if (!(code in operations)) throw new Error(`pickle: no operation ${code} at ${at - 1}`);
    operations[code]();
  }
}

const taken = (value) =>
  value instanceof Stranger ? (value.state.get("buffers") ?? []).filter((b) => b === null).length : 0;

/** Of a short container each element can have given buffers away, in the order of sorted keys. */
function elements(value) {
  if (value instanceof Map && value.size < 64) {
    return [...value.keys()].sort().map((key) => value.get(key));
  }
  return Array.isArray(value) && value.length < 64 ? [...value] : [value];
}

function described(value) {
  if (Buffer.isBuffer(value)) return { bytes: value.length };
  if (value instanceof Stranger) {
    return value.isClass ? { global: value.name } : { class: value.name, taken: taken(value) };
  }
  if (value instanceof Tuple) return { tuple: Array.from(value, described) };
  if (value instanceof Map) return { dict: [...value].map((pair) => pair.map(described)) };
  return Array.isArray(value) ? value.map(described) : value;
}

function applyBuffers(form, buffers) {
  const left = [...buffers];
  const next = () => {
    const value = unpickle(left.shift());
    const extra = elements(value).reduce((sum, each) => sum + taken(each), 0);
    left.splice(0, extra);
    return { buffers: 1 + extra, value: described(value) };
  };
  const objects = [];
  if (form === "results") {
    while (left.length > 0) objects.push(next());
    return { objects };
  }
  objects.push(next());
  const info = Object.fromEntries(unpickle(left.shift()));
  for (let count = info.nargs + info.kw_keys.length; count > 0; count -= 1) objects.push(next());
  const argument = objects.slice(1, 1 + info.nargs);
  const sum = argument.reduce((total, each) => total + each.buffers, 0);
  if (sum !== info.narg_bufs || left.length > 0) throw new Error("buffers are left, or missing");
  return { info, objects };
}

// --- contents -------------------------------------------------------------------------------

const TYPES = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  integer: Number.isInteger,
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};

/** Say whether a value fits a JSON Schema, as far as the schemas of the catalogue go. */
function fits(value, schema, root) {
  if (typeof schema === "boolean") return schema;
  const inner = (one) => fits(value, one, root);
  const every = (values, one) => values.every((each) => fits(each, one, root));
  const keywords = {
    $ref: (path) => inner(path.split("/").slice(1).reduce((node, key) => node[key], root)),
    type: (names) => [names].flat().some((name) => TYPES[name](value)),
    const: (wanted) => same(value, wanted),
    enum: (values) => values.some((wanted) => same(value, wanted)),
    anyOf: (options) => options.some(inner),
    oneOf: (options) => options.filter(inner).length === 1,
    allOf: (all) => all.every(inner),
    not: (one) => !inner(one),
    if: (one) => inner((inner(one) ? schema.then : schema.else) ?? true),
    pattern: (text) => typeof value !== "string" || new RegExp(text, "u").test(value),
    minimum: (bound) => typeof value !== "number" || value >= bound,
    maximum: (bound) => typeof value !== "number" || value <= bound,
    minItems: (count) => !Array.isArray(value) || value.length >= count,
    maxItems: (count) => !Array.isArray(value) || value.length <= count,
    prefixItems: (list) =>
      !Array.isArray(value) ||
      value.slice(0, list.length).every((each, index) => fits(each, list[index], root)),
    items: (one) =>
      !Array.isArray(value) || every(value.slice(schema.prefixItems?.length ?? 0), one),
    required: (names) => !isObject(value) || names.every((name) => Object.hasOwn(value, name)),
    maxProperties: (count) => !isObject(value) || Object.keys(value).length <= count,
    properties: (all) =>
      !isObject(value) ||
      Object.entries(all).every(
        ([name, one]) => !Object.hasOwn(value, name) || fits(value[name], one, root),
      ),
    additionalProperties: (one) =>
      !isObject(value) ||
      every(
        Object.keys(value)
          .filter((name) => !Object.hasOwn(schema.properties ?? {}, name))
          .map((name) => value[name]),
        one,
      ),
  };
  const silent = ["$schema", "$id", "$defs", "$comment", "title", "description", "default", "then"];
  silent.push("else", "deprecated", "examples", "readOnly", "writeOnly", "format");
  return Object.entries(schema).every(([keyword, argument]) => {
    if (keyword in keywords) return keywords[keyword](argument);
    if (silent.includes(keyword) || keyword.startsWith("x-")) return true;
    throw new Error(`schema: ${keyword} is not known`);
  });
}

/** Check a content against the schemas of its message, which lie beside the vectors. */
function contents({ message: key, content }) {
  const verdict = (profile) => {
    const places = ["schemas", "../../refimpl/schemas"].map((place) => join(folder, place));
    const place = places.find(existsSync);
    const schema = JSON.parse(readFileSync(join(place, profile, `${key}.json`), "utf8"));
    return fits(content, schema.properties.content, schema);
  };
  return { send: verdict("send"), accept: verdict("accept") };
}

function same(one, other) {
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name]))
    );
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, at) => same(each, other[at]));
  }
  return one === other;
}

// --- the loop -------------------------------------------------------------------------------

// What has to be done for each kind of vector: what is given -> what has to be expected.
const run = {
  signatures: ({ key, signature_scheme: scheme, parts }) => ({
    verdict: "good",
    signature: sign(key, scheme, parts.map(bytes)).toString(),
  }),
  frames: (given) => ({
    verdict: "good",
    message: new Receiver(given).read(given.frames.map(bytes)),
  }),
  deliveries: (given) => {
    const receiver = new Receiver(given);
    const read = (frames) => ({ verdict: "good", message: receiver.read(frames.map(bytes)) });
    return { verdicts: given.deliveries.map((frames) => attempt(read, frames).verdict) };
  },
  dates: ({ date }) => ({ verdict: "good", utc: instant(date) }),
  cursors: ({ text, utf16, unit, position }) =>
    convert(text ?? String.fromCharCode(...utf16), unit, position),
  "connection-files": (given) => ({ verdict: "good", urls: connectionUrls(readObject(given)) }),
  "registration-files": (given) => ({ verdict: "good", url: registrationUrl(readObject(given)) }),
  handshakes: ({ registration, frames }) => ({
    verdict: "good",
    urls: handshake(registration, frames.map(bytes)),
  }),
  "kernel-specs": (given) => ({ verdict: "good", ...kernelSpec(readObject(given), given) }),
  "websocket-v1": (given) => webSocket(() => websocketV1(bytes(given.hex))),
  "websocket-legacy": (given) =>
    webSocket(() =>
      "hex" in given ? websocketLegacy(bytes(given.hex)) : websocketText(Buffer.from(given.text)),
    ),
  heartbeats: ({ frames }) => ({ frames: hex(frames.map(bytes)) }),
  "cluster-heartbeats": ({ current, previous, frames }) => ({
    beat: frames.length === 2 && [current, previous].includes(frames[1]) ? frames[0] : null,
  }),
  "apply-buffers": ({ form, buffers }) => applyBuffers(form, buffers.map(bytes)),
  contents,
};

// [the loop]
function attempt(method, given) {
  try {
    return method(given);
  } catch (error) {
    if (error instanceof Refused) return error.result;
    throw error;
  }
}

let failures = 0;
const names = readdirSync(folder).filter(
  (name) => name.endsWith(".json") && !name.endsWith(".schema.json"),
);
for (const name of names.sort()) {
  const { kind, vectors } = JSON.parse(readFileSync(join(folder, name), "utf8"));
  for (const { id, given, expect } of vectors) {
    const got = attempt(run[kind], given);
    // What a vector does not name is not compared.
    const wrong = Object.keys(expect).filter((field) => !same(got[field], expect[field]));
    for (const field of wrong) {
      const [wanted, found] = [expect[field], got[field]].map((each) => JSON.stringify(each));
      console.log(`not ok ${id}: ${field}: expected ${wanted}, got ${found}`);
    }
    failures += wrong.length;
  }
  console.log(`${name}: ${vectors.length} vectors of the kind ${kind}`);
}
process.exitCode = names.length > 0 && failures === 0 ? 0 : 1;
// [end of the loop]
