// A cache that an exported policy rules, in JavaScript: one file, no packages, Node 18 or later.
//
//   import { LearnedCache, Policy } from "./cache.mjs";
//   const cache = new LearnedCache(new Policy("model-1"), { maxSize: 500 });
//   let answer = cache.get(key);
//   if (answer === undefined) cache.set(key, (answer = load(key)), { group: "/prices", loadTimeMs: 40 });
//
//   node cache.mjs FOLDER      (follows the export's golden.json: does it decide as the compiled core?)
//
// The same figures, draws and order of comparison as serving.py, which says more about each.
import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const CLIP = 10, BASE = 24, PRICE = 21, OWN = 0.25;
const BINS = 40, GROUPS = 64, COUNTERS = 64, GROUP = 128, CLASSES = GROUP + 2 * GROUPS;
const COUNT_EDGES = [2.5, 4.5, 8.5, 16.5, 40.5, 120.5];
const EDGES = Array.from({ length: BINS + 1 }, (_, bin) => 2 ** (bin / 2) - 1);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const binOf = (age) => Math.min(Math.trunc(2 * Math.log2(1 + age)), BINS - 1);

/** The network of an export: metadata.json and policy.safetensors, both held to their SHA-256. */
export class Policy {
  constructor(folder) {
    this.folder = folder;
    this.metadata = JSON.parse(readFileSync(join(folder, "metadata.json")));
    this.arrays = tensors(this.file("policy.safetensors"), this.metadata.network);
    const { readout, rents, rent_at } = this.metadata.readout;
    this.isIndex = readout === "index";
    this.rents = rents.length && rent_at >= 0 ? (this.isIndex ? rents : rents.slice(0, 1)) : [0];
    this.rentAt = rent_at;
  }

  /** The bytes of a file of the export, if they are those that were exported. */
  file(name) {
    const found = readFileSync(join(this.folder, name));
    if (createHash("sha256").update(found).digest("hex") !== this.metadata.files[name]?.sha256) {
      throw new Error(`${name} in ${this.folder} is not the file that was exported; copy the export again.`);
    }
    return found;
  }

  /** What keeping an item is worth, from its row of features (Float32Array). */
  score(row) {
    let total = 0;
    for (const rent of this.rents) {
      const gap = this.#gap(row, rent);
      total += this.isIndex ? 1 / (1 + Math.exp(-gap)) : gap;
    }
    return total / this.rents.length;
  }

  #gap(row, rent) {
    const { w1, b1, w2, b2, w3, b3, mean, scale } = this.arrays;
    const normal = Float32Array.from(mean, (middle, at) =>
      clamp((row[at] + (at === this.rentAt ? rent : 0) - middle) / scale[at], -CLIP, CLIP));
    const out = layer(layer(normal, w1, b1).map((unit) => Math.max(unit, 0)), w2, b2);
    const [evict, keep] = layer(out.map((unit) => Math.max(unit, 0)), w3, b3);
    return keep - evict;
  }
}

function layer(inputs, weights, biases) {
  const out = Float64Array.from(biases);
  inputs.forEach((value, at) => {
    for (let unit = 0; unit < out.length; unit++) out[unit] += value * weights[at * out.length + unit];
  });
  return out;
}

function tensors(bytes, network) {
  const header = Number(bytes.readBigUInt64LE(0));
  const told = JSON.parse(bytes.toString("utf8", 8, 8 + header));
  const found = {};
  for (const [name, { data_offsets: [from, to] }] of Object.entries(told).filter(([n]) => n !== "__metadata__")) {
    const [owner, array] = name.split("/");
    const part = Uint8Array.from(bytes.subarray(8 + header + from, 8 + header + to));
    if (owner === network) found[array] = new Float32Array(part.buffer);
  }
  return found;
}

/** How likely a result is asked for again at each age, learned online (serving.py: Tables). */
class Tables {
  constructor(lifetime) {
    this.lifetime = lifetime;
    this.every = Math.max(500, Math.trunc(lifetime / 2));
    this.decay = 0.5 ** (this.every / Math.max(20_000, 20 * lifetime));
    this.reused = new Float64Array(CLASSES * BINS);
    this.left = new Float64Array(CLASSES * BINS);
    this.index = new Float32Array(CLASSES * BINS);
    this.soon = new Float32Array(CLASSES * BINS);
    for (let row = 0; row < CLASSES; row++) this.#weigh(row);
  }

  count(counts, rows, age) {
    for (const row of rows) counts[row * BINS + binOf(age)] += 1;
  }

  refresh() {
    for (let row = 0; row < CLASSES; row++) {
      const from = row * BINS, cells = [...Array(BINS).keys()].map((bin) => from + bin);
      if (!cells.some((at) => this.reused[at] + this.left[at] > 0)) continue;
      this.#weigh(row);
      for (const at of cells) { this.reused[at] *= this.decay; this.left[at] *= this.decay; }
    }
  }

  /** Gittins index of each age: the best stopping time is sought bin by bin ahead. */
  #weigh(row) {
    const from = row * BINS, hazard = new Float64Array(BINS);
    for (let bin = BINS - 1, reached = 0; bin >= 0; bin--) {
      reached += this.reused[from + bin] + this.left[from + bin];
      hazard[bin] = Math.min((this.reused[from + bin] + 0.02) / (reached + 1), 0.999);
    }
    for (let bin = 0; bin < BINS; bin++) {
      let alive = 1, reuse = 0, held = 0, best = 0, soon = 0;
      for (let later = bin; later < BINS; later++) {
        held += alive * (EDGES[later + 1] - EDGES[later]) * (1 - 0.5 * hazard[later]);
        reuse += alive * hazard[later];
        alive *= 1 - hazard[later];
        best = Math.max(best, reuse / held);
        const waited = EDGES[later] - EDGES[bin];
        if (waited < this.lifetime) soon = reuse;
        if (waited > 8 * this.lifetime) break;
      }
      this.index[from + bin] = Math.log2(best + 1e-9) + Math.log2(this.lifetime);
      this.soon[from + bin] = soon;
    }
  }
}

function recencyClass(gap, count) {
  if (count < 1.5) return 0;
  const octave = COUNT_EDGES.filter((edge) => count >= edge).length;
  return 1 + octave * 9 + clamp(Math.trunc(gap + 5), 0, 8);
}

function countersClass(short, long) {
  const [first, second] = [short, long].map((c) => clamp(Math.trunc(1.5 * Math.log2(c)), 0, 7));
  return COUNTERS + 8 * first + second;
}

const groupClass = (group, count) => GROUP + 2 * group + (count > 1.5 ? 1 : 0);

/** Features of keys, online, of the last `limit` keys asked for and those held (serving.py: Tracker). */
export class Tracker {
  constructor(lifetime, limit, fill = []) {
    this.tables = new Tables(lifetime);
    this.now = 0;
    this.held = new Set();
    this.lifetime = lifetime;
    this.logLifetime = Math.log2(lifetime);
    this.limit = limit;
    this.fill = fill;
    this.known = new Map(); // the least recent first
    this.groups = new Map();
    this.means = Array.from({ length: GROUPS }, () => ({ gap: 10, reuse: 0.5, last: 0 }));
  }

  /** Take in the next request. */
  note(key, group, size, worth, columns) {
    const number = this.#number(group);
    let item = this.known.get(key);
    if (item === undefined) item = this.#meet(number, size, worth);
    else { this.#meetAgain(item, number, worth); this.known.delete(key); }
    this.known.set(key, item);
    this.#forget();
    item.count += 1;
    item.rates.forEach((_, at) => (item.rates[at] += 1));
    item.price = Math.fround(0 - Math.log2(item.worth));
    item.longRun = Math.fround(Math.log2(item.rates[3]));
    item.columns = this.fill.map((mean, at) => Math.fround(columns[at] ?? mean));
    item.recency = recencyClass(item.gaps[0], item.count);
    item.counters = countersClass(item.rates[1], item.rates[3]);
    item.group = number;
    item.last = this.means[number].last = this.now;
    if (this.now % this.tables.every === 0) this.tables.refresh();
    this.now += 1;
  }

  /** The features of a remembered key at the last request. */
  row(key) {
    const item = this.known.get(key), { tables, logLifetime } = this, moment = this.now - 1;
    const age = moment - item.last, bin = binOf(age), mean = this.means[item.group];
    const row = new Float32Array(BASE + this.fill.length);
    row[0] = Math.log2(1 + age) - logLifetime;
    row.set(item.gaps, 1);
    row[5] = Math.log2(item.count);
    row[6] = Math.log2(1 + moment - item.first) - logLifetime;
    row.set(faded(item.rates, age / this.lifetime), 7);
    for (let at = 7; at < 11; at++) row[at] = Math.log2(0.01 + row[at]);
    row[11] = item.size;
    row[12] = row[6] - row[5];
    row[13] = mean.gap - logLifetime;
    row[14] = mean.reuse;
    const grouped = groupClass(item.group, item.count);
    for (const [at, klass] of [[16, item.recency], [18, grouped], [22, item.counters]]) {
      row[at] = tables.index[klass * BINS + bin];
      row[at + 1] = tables.soon[klass * BINS + bin];
    }
    row[20] = Math.log2(1 + moment - mean.last) - logLifetime;
    row[PRICE] = item.price;
    row.set(item.columns, BASE);
    return row;
  }

  /** The reuse index of a remembered key, drawn to its own rate, less its price, at the last request. */
  index(key) {
    const item = this.known.get(key), age = this.now - 1 - item.last, bin = binOf(age);
    const { index } = this.tables;
    const total = Math.fround(index[item.recency * BINS + bin] + index[item.counters * BINS + bin]);
    const rate = item.longRun - age / (16 * this.lifetime);
    return (1 - OWN) * (total / 2) + OWN * rate - item.price;
  }

  #number(group) {
    if (!this.groups.has(group)) {
      if (this.groups.size >= GROUPS - 1) return GROUPS - 1;
      this.groups.set(group, this.groups.size);
    }
    return this.groups.get(group);
  }

  #meet(group, size, worth) {
    this.means[group].reuse *= 1 - 0.002;
    return {
      first: this.now, last: this.now, group, count: 0, recency: 0, counters: 0, price: 0, longRun: 0,
      columns: [],
      gaps: new Float32Array(4).fill(8), rates: new Float32Array(4),
      size: Math.log2(size), worth: Math.fround(worth),
    };
  }

  #meetAgain(item, group, worth) {
    const gap = this.now - item.last, logGap = Math.log2(1 + gap), mean = this.means[group];
    this.tables.count(this.tables.reused, classes(item), gap);
    item.gaps.copyWithin(1, 0, 3);
    item.gaps[0] = logGap - this.logLifetime;
    item.rates = faded(item.rates, gap / this.lifetime);
    mean.reuse += 0.002 * (1 - mean.reuse);
    mean.gap += 0.002 * (logGap - mean.gap);
    item.worth = Math.fround(item.worth + 0.3 * (worth - item.worth));
  }

  #forget() {
    for (let tries = 0; tries < 4 && this.known.size > this.limit; tries++) {
      const [key, item] = this.known.entries().next().value;
      this.known.delete(key);
      if (this.held.has(key)) this.known.set(key, item);
      else this.tables.count(this.tables.left, classes(item), this.now - item.last);
    }
  }
}

const classes = (item) => [item.recency, item.counters, groupClass(item.group, item.count)];

/** Decayed counts after so many lifetimes; half-lives 1/4, 1, 4 and 16. */
function faded(rates, age) {
  const left = [0, 0, 0, 2 ** (-age / 16)];
  for (let at = 2; at >= 0; at--) left[at] = left[at + 1] ** 4;
  return rates.map((rate, at) => rate * left[at]);
}

/** A window of the most recent keys before scored residents (serving.py: Residents). */
class Residents {
  constructor(capacity, { window, pool, sample, asked }, random) {
    this.windowMost = Math.min(capacity, Math.max(1, Math.trunc(window * capacity)));
    this.mainMost = capacity - this.windowMost;
    this.fresh = sample;
    this.asked = asked;
    this.window = new Set(); // the least recent first
    this.main = [];
    this.place = new Map();
    this.sizes = new Map();
    this.windowUsed = this.mainUsed = 0;
    this.pool = Array(pool).fill(null);
    this.poolScore = Array(pool).fill(Infinity);
    this.random = random;
  }

  touch(key) {
    if (this.window.delete(key)) this.window.add(key);
  }

  /** Hold a new key; returns those to be evicted for it. */
  enter(key, size, quick, worth) {
    const evicted = [];
    this.sizes.set(key, size);
    this.window.add(key);
    this.windowUsed += size;
    while (this.windowUsed > this.windowMost) {
      const leaver = this.window.values().next().value;
      this.window.delete(leaver);
      this.windowUsed -= this.sizes.get(leaver);
      this.#promote(leaver, quick, worth, evicted);
    }
    return evicted;
  }

  remove(key) {
    const size = this.sizes.get(key);
    if (this.window.delete(key)) this.windowUsed -= size;
    else if (this.place.has(key)) this.#leaveMain(key, size);
    this.sizes.delete(key);
  }

  #promote(leaver, quick, worth, evicted) {
    const size = this.sizes.get(leaver);
    while (this.mainUsed + size > this.mainMost) {
      const lowest = size <= this.mainMost ? this.#lowest(leaver, quick, worth) : leaver;
      evicted.push(lowest);
      if (lowest === leaver) return;
      this.#leaveMain(lowest, this.sizes.get(lowest));
    }
    this.place.set(leaver, this.main.length);
    this.main.push(leaver);
    this.mainUsed += size;
  }

  #leaveMain(key, size) {
    const place = this.place.get(key), moved = this.main.pop();
    this.place.delete(key);
    if (moved !== key) { this.main[place] = moved; this.place.set(moved, place); }
    this.mainUsed -= size;
    this.pool.forEach((pooled, at) => {
      if (pooled === key) { this.pool[at] = null; this.poolScore[at] = Infinity; }
    });
  }

  #lowest(leaver, quick, worth) {
    const seen = [], drawn = Array.from({ length: this.fresh }, () => this.main[this.#draw()]);
    this.pool.forEach((key, at) => {
      if (key === null) return;
      this.poolScore[at] = quick(key);
      seen.push([this.poolScore[at], key]);
    });
    for (const key of drawn) {
      if (this.pool.includes(key)) continue;
      const value = quick(key);
      seen.push([value, key]);
      this.#remember(key, value);
    }
    const asked = [leaver, ...lowestFirst(seen, this.asked)];
    const scores = worth(asked);
    return asked[scores.indexOf(Math.min(...scores))];
  }

  #remember(key, value) {
    const best = this.poolScore.indexOf(Math.max(...this.poolScore));
    if (best >= 0 && this.poolScore[best] > value) { this.pool[best] = key; this.poolScore[best] = value; }
  }

  /** A random resident's place (xorshift: Marsaglia, J. Statistical Software 8(14), 2003). */
  #draw() {
    let state = this.random;
    state ^= BigInt.asUintN(64, state << 13n);
    state ^= state >> 7n;
    state ^= BigInt.asUintN(64, state << 17n);
    this.random = state;
    return Number((state >> 11n) % BigInt(this.main.length));
  }
}

function lowestFirst(seen, wanted) {
  for (let place = 0; place < Math.min(wanted, seen.length); place++) {
    let lowest = place;
    for (let at = place + 1; at < seen.length; at++) if (seen[at][0] < seen[lowest][0]) lowest = at;
    [seen[place], seen[lowest]] = [seen[lowest], seen[place]];
  }
  return seen.slice(0, wanted).map(([, key]) => key);
}

/** What a hit is worth over the space its result takes (serving.py: Worth). */
function density({ terms, limit, space }, { size, loadTimeMs, columns = {} }) {
  const known = { load_time_ms: loadTimeMs, size_bytes: size, hit: 1, ...columns };
  const named = Object.entries(terms);
  const total = named.reduce((sum, [name, weight]) => sum + weight * (known[name] || 0), 0);
  const value = named.length ? clamp(total, 2 ** -10, limit || Infinity) : 1;
  return space ? (value * space) / (size || space) : value;
}

/** A cache that holds what the policy values. A look-up that finds its key, or setting what was not
 *  held, is a request. `facts`: group, size (bytes), loadTimeMs, columns (values by name). */
export class LearnedCache {
  constructor(policy, { maxSize, random = BigInt(Date.now()) } = {}) {
    const { cache, training, fill } = policy.metadata;
    this.policy = policy;
    this.maxSize = maxSize ?? cache.capacity;
    this.byBytes = cache.unit === "bytes";
    this.value = training.value;
    this.columns = training.columns;
    const places = this.maxSize / (this.value.space || 1);
    this.tracker = new Tracker(
      Math.max(1, (cache.lifetime * this.maxSize) / cache.capacity),
      Math.max(4096, Math.trunc(cache.history * places)), fill);
    this.residents = new Residents(this.maxSize, cache, random);
    this.values = new Map();
    this.facts = new Map();
  }

  get size() { return this.values.size; }

  has(key) { return this.values.has(key); }

  get(key) {
    if (!this.values.has(key)) return undefined;
    this.#note(key, this.facts.get(key));
    this.residents.touch(key);
    return this.values.get(key);
  }

  set(key, value, facts = {}) {
    const size = this.byBytes ? facts.size : 1;
    if (!(size > 0)) throw new Error("The policy was trained for a capacity in bytes; give facts.size.");
    if (!this.values.has(key)) this.#note(key, facts);
    else if (this.residents.sizes.get(key) !== size) this.delete(key);
    if (size > this.maxSize) throw new Error(`A value of ${size} is larger than the whole cache.`);
    const isNew = !this.values.has(key);
    this.values.set(key, value);
    this.facts.set(key, facts);
    if (!isNew) return;
    this.tracker.held.add(key);
    const quick = (one) => this.tracker.index(one);
    for (const gone of this.residents.enter(key, size, quick, (keys) => this.score(keys))) this.delete(gone);
  }

  delete(key) {
    this.residents.remove(key);
    this.tracker.held.delete(key);
    this.facts.delete(key);
    return this.values.delete(key);
  }

  /** The worth of keeping each key; the lowest goes. */
  score(keys) { return keys.map((key) => this.policy.score(this.tracker.row(key))); }

  #note(key, facts) {
    const columns = this.columns.map((name) => facts.columns?.[name]);
    this.tracker.note(key, facts.group ?? "", facts.size || 1, density(this.value, facts), columns);
  }
}

/** Replay golden.json and hold every hit and eviction to it; scores nearer than 0.001 count as equal. */
function follow(policy) {
  const golden = JSON.parse(policy.file("golden.json")), expected = [...golden.evicted];
  class Following extends LearnedCache {
    score(keys) {
      const scores = super.score(keys), [key, least] = expected.shift() ?? [], place = keys.indexOf(key);
      const off = Math.max(scores[place] - Math.min(...scores), least === null ? 0 : Math.abs(scores[place] - least));
      if (!(off <= 1e-3)) throw new Error(`${expected.length} evictions before the end: not ${key} (off by ${off}).`);
      scores[place] = -Infinity;
      return scores;
    }
  }
  const cache = new Following(policy, { maxSize: golden.maxsize, random: BigInt(golden.random) });
  golden.key.forEach((key, at) => {
    const columns = Object.fromEntries(Object.entries(golden.columns).map(([name, all]) => [name, all[at]]));
    const facts = { group: golden.group[at], size: golden.size[at], loadTimeMs: golden.load_time_ms[at], columns };
    const hit = cache.get(key) !== undefined;
    if (!hit) cache.set(key, true, facts);
    if (hit !== Boolean(golden.hit[at])) throw new Error(`Request ${at} differs: ${hit ? "hit" : "miss"}.`);
  });
  if (expected.length) throw new Error(`${expected.length} evictions of the golden replay did not happen.`);
  return golden.key.length;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  console.log(`${follow(new Policy(process.argv[2]))} requests of the golden replay are equal.`);
}
