// Curve formulas over field elements with tracked limb bounds: where an operand is too large for the next operation, a
// normalisation is put in. Written once, emitted as WGSL and evaluated in JavaScript on the limb programs.
import { BITS, TIGHT, WIDE } from "./limb-field.mjs";

const FULL = (1n << BigInt(BITS)) - 1n;

/** @typedef {{name: string, max: bigint}} Element */

export class FieldProgram {
  /**
   * @param {string} name
   * @param {Record<string, string[]>} inputs parameter → its coordinates, all tight
   * @param {{loose: bigint, comment: string}} options
   */
  constructor(name, inputs, { loose, comment }) {
    this.name = name;
    this.inputs = inputs;
    this.loose = loose;
    this.comment = comment;
    /** @type {{call: string, args: (Element | number)[], name: string, max: bigint}[]} */
    this.operations = [];
    this.outputs = [];
    /** Normalised forms, so that none is made twice. @type {Map<string, Element>} */
    this.normalized = new Map();
  }

  input(parameter, coordinate) {
    return { name: `${parameter}.${coordinate}`, max: TIGHT };
  }

  #call(call, args, max) {
    if (max > WIDE) throw new RangeError(`${this.name}: ${call} leaves limbs up to ${max}`);
    const element = { call, args, name: `v${this.operations.length}`, max };
    this.operations.push(element);
    return element;
  }

  tight(a) {
    if (a.max <= TIGHT) return a;
    let element = this.normalized.get(a.name);
    if (!element) {
      element = this.#call("feNormalize", [a], TIGHT);
      this.normalized.set(a.name, element);
    }
    return element;
  }

  mul(a, b) {
    // The first operand may be loose: give it the larger.
    const [first, second] = a.max >= b.max ? [a, b] : [b, a];
    const loose = first.max <= this.loose ? first : this.tight(first);
    return this.#call("feMul", [loose, this.tight(second)], TIGHT);
  }

  sqr(a) {
    return this.#call("feSqr", [this.tight(a)], TIGHT);
  }

  add(a, b) {
    return this.#call("feAdd", [a, b], a.max + b.max);
  }

  sub(a, b) {
    if (b.max <= TIGHT) return this.#call("feSub", [a, b], a.max + TIGHT + FULL);
    const right = b.max <= this.loose ? b : this.tight(b);
    if (right.max <= TIGHT) return this.sub(a, right);
    return this.#call("feSubLoose", [a, right], a.max + this.loose + FULL);
  }

  /** a · k for a small constant. */
  scale(a, k) {
    return this.#call(
      "feScale",
      [a.max * BigInt(k) <= WIDE ? a : this.tight(a), k],
      a.max * BigInt(k),
    );
  }

  finish(outputs) {
    this.outputs = outputs.map((element) => this.tight(element));
    return this;
  }

  /** Calls by name. */
  count() {
    const counts = {};
    for (const { call } of this.operations) counts[call] = (counts[call] ?? 0) + 1;
    return counts;
  }

  toWgsl(types, resultType) {
    const text = (arg) => (typeof arg === "number" ? `${arg}u` : arg.name);
    const parameters = Object.keys(this.inputs).map((name) => `${name}: ${types[name]}`);
    const counts = Object.entries(this.count())
      .map(([call, times]) => `${times} ${call}`)
      .join(", ");
    return [
      ...this.comment.split("\n").map((line) => `// ${line}`),
      `// ${counts}.`,
      `fn ${this.name}(${parameters.join(", ")}) -> ${resultType} {`,
      ...this.operations.map(
        ({ name, call, args, max }) =>
          `  let ${name} = ${call}(${args.map(text).join(", ")}); // limbs ≤ ${max}`,
      ),
      `  return ${resultType}(${this.outputs.map((element) => element.name).join(", ")});`,
      "}",
      "",
    ].join("\n");
  }

  /**
   * The formula as a JavaScript function on limb arrays: `({x, y, z}, …) => [x, y, z]`.
   *
   * @param {Record<string, Function>} field the functions of the limb programs
   */
  toFunction(field) {
    const names = Object.keys(this.inputs);
    return (...values) => {
      const known = new Map();
      names.forEach((name, i) => {
        for (const coordinate of this.inputs[name]) {
          known.set(`${name}.${coordinate}`, values[i][coordinate]);
        }
      });
      for (const { name, call, args } of this.operations) {
        const operands = args.map((arg) => (typeof arg === "number" ? arg : known.get(arg.name)));
        known.set(name, field[call](...operands));
      }
      return this.outputs.map((element) => known.get(element.name));
    };
  }
}
