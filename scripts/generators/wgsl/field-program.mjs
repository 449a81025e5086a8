// Curve formulas over field elements with tracked limb bounds: where an operand is too large for the next operation, a
// normalisation is put in. Written once, emitted as WGSL and evaluated in JavaScript on the limb programs.
/** @typedef {{name: string, max: bigint}} Element */
/**
 * Greatest limbs: of a product, of a product's first operand, of anything; and those of a sum, a difference, a multiple.
 *
 * @typedef {{tight: bigint, loose: bigint, wide: bigint, sum(a: bigint, b: bigint): bigint,
 *   difference(a: bigint, b: bigint): bigint, multiple(a: bigint, k: bigint): bigint}} Bounds
 */

/** An operand in WGSL: a constant, or an element by its variable or its own name. */
const textOf = (arg, variables = new Map()) =>
  typeof arg === "number" ? `${arg}u` : (variables.get(arg.name) ?? arg.name);

export class FieldProgram {
  /**
   * @param {string} name
   * @param {Record<string, string[]>} inputs parameter → its coordinates, all tight
   * @param {{bounds: Bounds, comment: string}} options
   */
  constructor(name, inputs, { bounds, comment }) {
    this.name = name;
    this.inputs = inputs;
    this.bounds = bounds;
    this.comment = comment;
    /** @type {{call: string, args: (Element | number)[], name: string, max: bigint}[]} */
    this.operations = [];
    this.outputs = [];
    /** Normalised forms, so that none is made twice. @type {Map<string, Element>} */
    this.normalized = new Map();
  }

  input(parameter, coordinate) {
    return { name: `${parameter}.${coordinate}`, max: this.bounds.tight };
  }

  #call(call, args, max) {
    if (max > this.bounds.wide)
      throw new RangeError(`${this.name}: ${call} leaves limbs up to ${max}`);
    const element = { call, args, name: `v${this.operations.length}`, max };
    this.operations.push(element);
    return element;
  }

  tight(a) {
    const { tight } = this.bounds;
    if (a.max <= tight) return a;
    let element = this.normalized.get(a.name);
    if (!element) {
      element = this.#call("feNormalize", [a], tight);
      this.normalized.set(a.name, element);
    }
    return element;
  }

  mul(a, b) {
    // The first operand may be loose: give it the larger.
    const [first, second] = a.max >= b.max ? [a, b] : [b, a];
    const left = first.max <= this.bounds.loose ? first : this.tight(first);
    return this.#call("feMul", [left, this.tight(second)], this.bounds.tight);
  }

  sqr(a) {
    return this.#call("feSqr", [this.tight(a)], this.bounds.tight);
  }

  add(a, b) {
    return this.#call("feAdd", [a, b], this.bounds.sum(a.max, b.max));
  }

  sub(a, b) {
    const { tight, loose, difference } = this.bounds;
    const right = b.max <= loose ? b : this.tight(b);
    if (right.max <= tight) return this.#call("feSub", [a, right], difference(a.max, tight));
    return this.#call("feSubLoose", [a, right], difference(a.max, loose));
  }

  /** a · k for a small constant. */
  scale(a, k) {
    const { wide, multiple } = this.bounds;
    const factor = multiple(a.max, BigInt(k)) <= wide ? a : this.tight(a);
    return this.#call("feScale", [factor, k], multiple(factor.max, BigInt(k)));
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

  /**
   * The formula as a function in WGSL.
   *
   * @param {Record<string, string>} types of the parameters
   * @param {string} resultType
   * @param {number} [sites] multiplications to inline; the others take turns at them in a loop. 0: every one is inlined.
   */
  toWgsl(types, resultType, sites = 0) {
    const { lines, outputs } = sites === 0 ? this.#straight() : this.#looped(sites);
    const parameters = Object.keys(this.inputs).map((name) => `${name}: ${types[name]}`);
    const counts = Object.entries(this.count())
      .map(([call, times]) => `${times} ${call}`)
      .join(", ");
    return [
      ...this.comment.split("\n").map((line) => `// ${line}`),
      `// ${counts}.`,
      `fn ${this.name}(${parameters.join(", ")}) -> ${resultType} {`,
      ...lines,
      `  return ${resultType}(${outputs.join(", ")});`,
      "}",
      "",
    ].join("\n");
  }

  #straight() {
    const lines = this.operations.map(
      ({ name, call, args, max }) =>
        `  let ${name} = ${call}(${args.map((arg) => textOf(arg)).join(", ")}); // limbs ≤ ${max}`,
    );
    return { lines, outputs: this.outputs.map(({ name }) => name) };
  }

  /** A variable for each result, used again once its last reader is past. @returns {Map<string, string>} */
  #variables() {
    const lastUse = new Map();
    for (const [i, { args }] of this.operations.entries()) {
      for (const { name } of args) if (name) lastUse.set(name, i);
    }
    for (const { name } of this.outputs) lastUse.set(name, this.operations.length);
    const variables = new Map();
    const free = [];
    let count = 0;
    for (const [i, { name, args }] of this.operations.entries()) {
      for (const operand of new Set(args.map((arg) => arg.name))) {
        if (lastUse.get(operand) === i && variables.has(operand)) free.push(variables.get(operand));
      }
      variables.set(name, free.pop() ?? `v${count++}`);
    }
    return variables;
  }

  /** Rounds of `sites` multiplications each; what lies between two of them is a case of the round. */
  #looped(sites) {
    const isProduct = ({ call }) => call === "feMul" || call === "feSqr";
    const products = this.operations.filter(isProduct);
    const rounds = Math.ceil(products.length / sites);
    const variables = this.#variables();
    const text = (arg) => textOf(arg, variables);
    /** What happens before product number k: the operations since the one before it. */
    const before = [[]];
    for (const operation of this.operations) {
      const { name, call, args } = operation;
      if (isProduct(operation)) before.push([]);
      else before.at(-1).push(`${variables.get(name)} = ${call}(${args.map(text).join(", ")});`);
    }
    const take = (k) => (products[k] ? [`${variables.get(products[k].name)} = product;`] : []);
    const give = (k) => {
      if (!products[k]) return [];
      const [a, b = a] = products[k].args;
      return [...before[k], `left = ${text(a)};`, `right = ${text(b)};`];
    };
    const choice = (statements) => [
      "    switch (round) {",
      ...Array.from({ length: rounds }, (_, round) => statements(round)).flatMap((lines, round) => [
        `      case ${round}u: {`,
        ...lines.map((line) => `        ${line}`),
        "      }",
      ]),
      "      default: {}",
      "    }",
    ];
    const lines = [
      ...[...new Set(variables.values()), "left", "right", "product"].map(
        (name) => `  var ${name}: Fe;`,
      ),
      `  for (var round = 0u; round < ${rounds}u; round++) {`,
      ...Array.from({ length: sites }, (_, site) => [
        ...choice((round) => {
          const k = round * sites + site;
          return [...(site > 0 ? take(k - 1) : []), ...give(k)];
        }),
        "    product = feMul(left, right);",
      ]).flat(),
      ...choice((round) => take(round * sites + sites - 1)),
      "  }",
      ...before[products.length].map((line) => `  ${line}`),
    ];
    return { lines, outputs: this.outputs.map(text) };
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
