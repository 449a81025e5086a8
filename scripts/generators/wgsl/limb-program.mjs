// Straight-line programs over u32 limbs with proven bounds: written once, emitted as WGSL and evaluated in JavaScript.
//
// Every value carries the least and the greatest number it can be. An operation that could leave 0 … 2³²-1 is refused while the
// program is built, so that what is emitted cannot overflow; the few that wrap on purpose say so (`…Wrapping`).

const U32_MAX = 0xffffffffn;

/** One u32: an input limb, a constant or the result of an operation. @typedef {{text: string, min: bigint, max: bigint}} Value */

/** A program under construction, then a function with vectors in and a vector out. */
export class LimbProgram {
  /**
   * @param {string} name function name, the same in WGSL and JavaScript
   * @param {Record<string, {length: number, max: bigint}>} inputs vectors and the greatest value of their limbs
   * @param {string} comment contract, one line or more
   */
  constructor(name, inputs, comment) {
    this.name = name;
    this.inputs = inputs;
    this.comment = comment;
    /** @type {{op: string, args: Value[], text: string}[]} */
    this.operations = [];
    /** @type {Value[]} */
    this.outputs = [];
  }

  /** Limbs of an input vector. @returns {Value[]} */
  input(vector) {
    const { length, max } = this.inputs[vector];
    return Array.from({ length }, (_, i) => ({ text: `${vector}[${i}]`, min: 0n, max }));
  }

  constant(value) {
    const number = BigInt(value);
    if (number < 0n || number > U32_MAX) throw new RangeError(`constant out of range: ${value}`);
    return { text: `${number}`, constant: true, min: number, max: number };
  }

  #emit(op, args, min, max) {
    if (min < 0n || max > U32_MAX) {
      throw new RangeError(`${this.name}: ${op} leaves u32: ${min} … ${max}`);
    }
    const value = { text: `t${this.operations.length}`, min, max };
    this.operations.push({ op, args, text: value.text });
    return value;
  }

  /** a + b; a missing operand is zero. */
  add(a, b) {
    if (!a || !b) return a ?? b;
    return this.#emit("add", [a, b], a.min + b.min, a.max + b.max);
  }

  sub(a, b) {
    return this.#emit("sub", [a, b], a.min - b.max, a.max - b.min);
  }

  mul(a, b) {
    return this.#emit("mul", [a, b], a.min * b.min, a.max * b.max);
  }

  /** a · b + c */
  mad(a, b, c) {
    if (!c) return this.mul(a, b);
    return this.#emit("mad", [a, b, c], a.min * b.min + c.min, a.max * b.max + c.max);
  }

  /** 1 where a < b, else 0. */
  less(a, b) {
    return this.#emit("less", [a, b], 0n, 1n);
  }

  /**
   * a + b + carry as a word and the carry out of it, 0 or 1; a missing operand is zero, and so is a missing carry.
   *
   * @returns {[Value, Value | undefined]}
   */
  addWithCarry(a, b, carry) {
    let sum = a;
    let out;
    for (const term of [b, carry]) {
      if (!term) continue;
      if (!sum || sum.max + term.max <= U32_MAX) {
        sum = this.add(sum, term);
        continue;
      }
      sum = this.addWrapping(sum, term);
      out = this.or(out, this.less(sum, term)); // of two carries one at most is 1
    }
    return [sum ?? this.constant(0), out && this.bounded(out, 1n)];
  }

  /** a - b - borrow as a word and the borrow out of it, as in `addWithCarry`. @returns {[Value, Value | undefined]} */
  subWithBorrow(a, b, borrow) {
    let difference = a;
    let out;
    for (const term of [b, borrow]) {
      if (!term) continue;
      if (difference.min >= term.max) {
        difference = this.sub(difference, term);
        continue;
      }
      const before = difference;
      difference = this.subWrapping(before, term);
      out = this.or(out, this.less(before, term));
    }
    return [difference, out && this.bounded(out, 1n)];
  }

  addWrapping(a, b) {
    if (!a || !b) return a ?? b;
    return this.#emit("add", [a, b], 0n, U32_MAX);
  }

  subWrapping(a, b) {
    return this.#emit("sub", [a, b], 0n, U32_MAX);
  }

  madWrapping(a, b, c) {
    return this.#emit(c ? "mad" : "mul", c ? [a, b, c] : [a, b], 0n, U32_MAX);
  }

  /** The same value with bounds known by an argument that the caller's comment gives. */
  bounded(value, max) {
    return { ...value, min: 0n, max };
  }

  shr(a, bits) {
    return this.#emit(
      "shr",
      [a, this.constant(bits)],
      a.min >> BigInt(bits),
      a.max >> BigInt(bits),
    );
  }

  shl(a, bits) {
    return this.#emit(
      "shl",
      [a, this.constant(bits)],
      a.min << BigInt(bits),
      a.max << BigInt(bits),
    );
  }

  /** a · 2^bits mod 2³². */
  shlWrapping(a, bits) {
    return this.#emit("shl", [a, this.constant(bits)], 0n, U32_MAX);
  }

  and(a, b) {
    return this.#emit("and", [a, b], 0n, a.max < b.max ? a.max : b.max);
  }

  /** The low `bits` bits. */
  low(a, bits) {
    return this.and(a, this.constant((1n << BigInt(bits)) - 1n));
  }

  or(a, b) {
    if (!a || !b) return a ?? b;
    return this.#emit("or", [a, b], 0n, U32_MAX);
  }

  xor(a, b) {
    return this.#emit("xor", [a, b], 0n, U32_MAX);
  }

  /** All ones where `bit` (0 or 1) is 1. */
  mask(bit) {
    return this.#emit("sub", [this.constant(0), bit], 0n, U32_MAX);
  }

  /** Ends the program; the outputs' bounds are checked against `max`. */
  finish(outputs, max = U32_MAX) {
    outputs.forEach((value, i) => {
      if (value.max > max) throw new RangeError(`${this.name}: output ${i} up to ${value.max}`);
    });
    this.outputs = outputs;
    return this;
  }

  /** Operations by kind: `multiplies` on the multiply-add pipe, `others` beside it. */
  count() {
    const multiplies = this.operations.filter(({ op }) => op === "mul" || op === "mad").length;
    return { multiplies, others: this.operations.length - multiplies };
  }

  /** WGSL source; `types` names the vector types by length. @param {Record<number, string>} types */
  toWgsl(types) {
    const word = (value) => (value.constant ? `${value.text}u` : value.text);
    const infix = {
      add: "+",
      sub: "-",
      mul: "*",
      shr: ">>",
      shl: "<<",
      and: "&",
      or: "|",
      xor: "^",
    };
    const parameters = Object.entries(this.inputs).map(
      ([name, { length }]) => `${name}: ${types[length]}`,
    );
    const type = types[this.outputs.length];
    const lines = this.operations.map(({ op, args, text }) => {
      const [a, b, c] = args.map(word);
      if (op === "less") return `  let ${text} = u32(${a} < ${b});`;
      return `  let ${text} = ${op === "mad" ? `${a} * ${b} + ${c}` : `${a} ${infix[op]} ${b}`};`;
    });
    const { multiplies, others } = this.count();
    const result = this.outputs.map(word).join(", ");
    return [
      ...this.comment.split("\n").map((line) => `// ${line}`),
      `// ${multiplies} multiplications, ${others} other operations.`,
      `fn ${this.name}(${parameters.join(", ")}) -> ${type} {`,
      ...lines,
      `  return ${type === "u32" ? result : `${type}(${result})`};`,
      "}",
      "",
    ].join("\n");
  }

  /** The same program as a JavaScript function with u32 semantics. @returns {(...vectors: ArrayLike<number>[]) => number[]} */
  toFunction() {
    const infix = { add: "+", sub: "-", shr: ">>>", shl: "<<", and: "&", or: "|", xor: "^" };
    const lines = this.operations.map(({ op, args, text }) => {
      const [a, b, c] = args.map((value) => value.text);
      if (op === "less") return `const ${text} = Number(${a} < ${b});`;
      if (op === "mul") return `const ${text} = Math.imul(${a}, ${b}) >>> 0;`;
      if (op === "mad") return `const ${text} = (Math.imul(${a}, ${b}) + ${c}) >>> 0;`;
      return `const ${text} = (${a} ${infix[op]} ${b}) >>> 0;`;
    });
    const result = `return [${this.outputs.map((value) => value.text).join(", ")}];`;
    return new Function(...Object.keys(this.inputs), [...lines, result].join("\n"));
  }
}
