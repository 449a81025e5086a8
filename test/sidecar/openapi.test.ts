/** The OpenAPI document says what the routes do. @module */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { algorithms } from "../../src/index.ts";
import type { Engine } from "../../src/sidecar/engine.ts";
import { DEFAULT_LIMITS } from "../../src/sidecar/index.ts";
import { MOST_DEADLINE_MS, MOST_SOURCE_LENGTH } from "../../src/sidecar/options.ts";
import { createRoutes } from "../../src/sidecar/routes.ts";
import { DEFAULT_PORT } from "../../src/sidecar/sidecar.ts";
import { ask, post, startSidecar } from "./support.ts";

const root = new URL("../../../", import.meta.url);
const file = readFileSync(new URL("proto/openapi.json", root), "utf8");
const document = JSON.parse(file);
const { schemas, parameters } = document.components;

describe("OpenAPI document", () => {
  let started: Awaited<ReturnType<typeof startSidecar>>;
  before(async () => {
    started = await startSidecar();
  });
  after(() => started.stop());

  it("is served as it lies in the package, which ships it and the .proto", async () => {
    assert.equal((await ask(started.port, { path: "/openapi.json" })).body.toString(), file);
    const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
    assert.equal(document.info.version, manifest.version);
    assert.ok(manifest.files.includes("proto"));
    assert.equal(document.servers[0].url, `http://127.0.0.1:${DEFAULT_PORT}`);
  });

  it("has every route and no other", () => {
    const routes = createRoutes({
      engine: {} as Engine,
      limits: DEFAULT_LIMITS,
      isDraining: () => false,
      metricsPage: () => "",
    });
    const served = routes.map(({ method, path }) => `${method} ${path}`).sort();
    const documented = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(documented.sort(), served);
  });

  it("has every algorithm with the fields of its JSON form", () => {
    const ids = algorithms.map(({ id }) => id);
    const { verify, recover } = {
      verify: document.paths["/v1/verify"].post.parameters[0].schema,
      recover: document.paths["/v1/recover"].post.parameters[0].schema,
    };
    assert.deepEqual(verify.enum, ids);
    assert.deepEqual(recover.enum, ["secp256k1-recover", "eth-sender"]);
    const answer = Object.keys(schemas.RecordAnswer.properties.records.items.properties);
    for (const { id, record, result, usesArena } of algorithms) {
      const fields = Object.keys(record.fields).filter(
        (name) => !usesArena || !["offset", "length"].includes(name),
      );
      if (usesArena) fields.unshift("message");
      assert.deepEqual(Object.keys(schemas[id].properties), fields, id);
      assert.deepEqual(
        schemas[id].required,
        fields.filter((name) => name !== "flags"),
      );
      for (const name of Object.keys(result.fields))
        assert.ok(answer.includes(name), `${id} ${name}`);
    }
  });

  it("states the bounds of the headers", () => {
    assert.equal(parameters.DeadlineMs.schema.maximum, MOST_DEADLINE_MS);
    assert.equal(parameters.Source.schema.maxLength, MOST_SOURCE_LENGTH);
  });

  it("documents every status that requests meet, and resolves every reference", async () => {
    const { port } = started;
    const seen: [string, number][] = [];
    for (const path of ["/v1/verify", "/v1/recover", "/v1/blocks"]) {
      for (const [body, headers] of [
        [new Uint8Array(1), {}],
        [new Uint8Array(DEFAULT_LIMITS.maxBodyBytes + 1), {}],
        [new Uint8Array(1), { "Content-Type": "x/y" }],
        [new Uint8Array(1), { Origin: "http://x" }],
      ] as const) {
        seen.push([path, (await post(port, path, body, headers)).status]);
      }
    }
    assert.deepEqual([...new Set(seen.map(([, status]) => status))].sort(), [400, 403, 413, 415]);
    for (const [path, status] of seen) {
      assert.ok(document.paths[path].post.responses[status], `${path} ${status}`);
    }
    const references = file.match(/"#\/components\/[^"]+"/g) ?? [];
    assert.ok(references.length > 10);
    for (const reference of references) {
      const [, , kind, name] = reference.slice(1, -1).split("/");
      assert.ok(document.components[kind][name], reference);
    }
  });
});
