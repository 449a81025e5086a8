/**
 * What the sidecar counts, and the Prometheus text (exposition format 0.0.4) of it and of its verifier.
 *
 * @module
 */
import { type Verifier, WAIT_BOUNDS_MS } from "../verifier/index.ts";
import type { BlockValidator } from "./engine.ts";

/** Upper bounds of the request-time histogram, in seconds. */
const SECONDS_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Histogram {
  /** One count a bound, and one beyond them. */
  readonly buckets: number[];
  sum: number;
  count: number;
}

/** Counters and gauges of the doors; what computes has its own. */
export class SidecarMetrics {
  /** `"/v1/verify 200"` → requests. Routes are the known ones, or `other`. */
  readonly requests = new Map<string, number>();
  /** gRPC status code → calls or answers. */
  readonly grpcAnswers = new Map<number, number>();
  /** Code of the parser or time-out → requests that never came to a route. */
  readonly malformed = new Map<string, number>();
  readonly seconds = new Map<string, Histogram>();
  requestsInFlight = 0;
  grpcStreams = 0;
  connections = 0;
  /** Sockets closed as they came. */
  connectionsDropped = 0;
  /** Answers that nobody took in time. */
  answersAbandoned = 0;
  bytesReceived = 0;
  bytesSent = 0;

  count<Key>(map: Map<Key, number>, key: Key): void {
    map.set(key, (map.get(key) ?? 0) + 1);
  }

  observe(route: string, seconds: number): void {
    let histogram = this.seconds.get(route);
    if (histogram === undefined) {
      histogram = { buckets: new Array(SECONDS_BOUNDS.length + 1).fill(0), sum: 0, count: 0 };
      this.seconds.set(route, histogram);
    }
    const bucket = SECONDS_BOUNDS.findIndex((bound) => seconds <= bound);
    histogram.buckets[bucket < 0 ? SECONDS_BOUNDS.length : bucket]++;
    histogram.sum += seconds;
    histogram.count++;
  }
}

/** What a page of metrics is made from. */
export interface MetricsSources {
  readonly metrics: SidecarMetrics;
  readonly verifier: Verifier;
  readonly blocks: BlockValidator;
  /** Bytes held for clients now. */
  readonly bufferedBytes: number;
  readonly draining: boolean;
}

type Labels = Readonly<Record<string, string | number>>;

/** Builds the text: families in order, each with its help and type. */
class Page {
  readonly #lines: string[] = [];

  family(
    name: string,
    type: "counter" | "gauge" | "histogram",
    help: string,
    samples: Iterable<readonly [labels: Labels, value: number, suffix?: string]>,
  ): void {
    this.#lines.push(`# HELP lanewise_${name} ${help}`, `# TYPE lanewise_${name} ${type}`);
    for (const [labels, value, suffix = ""] of samples) {
      const pairs = Object.entries(labels).map(
        ([key, text]) => `${key}="${escaped(String(text))}"`,
      );
      const braces = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
      this.#lines.push(`lanewise_${name}${suffix}${braces} ${value}`);
    }
  }

  one(name: string, type: "counter" | "gauge", help: string, value: number): void {
    this.family(name, type, help, [[{}, value]]);
  }

  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** Cumulative samples of a histogram, as Prometheus wants them. */
function* histogramSamples(
  labels: Labels,
  bounds: readonly number[],
  { buckets, sum, count }: Histogram,
): Generator<readonly [Labels, number, string]> {
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    below += buckets[index];
    yield [{ ...labels, le: bound }, below, "_bucket"];
  }
  yield [{ ...labels, le: "+Inf" }, count, "_bucket"];
  yield [labels, sum, "_sum"];
  yield [labels, count, "_count"];
}

/** The page that `/metrics` answers with. */
export function renderMetrics(sources: MetricsSources): string {
  const page = new Page();
  addSidecar(page, sources);
  addVerifier(page, sources.verifier);
  addBackends(page, sources.verifier);
  page.one("process_resident_bytes", "gauge", "Resident memory.", process.memoryUsage.rss());
  page.one("process_uptime_seconds", "gauge", "Since the process started.", process.uptime());
  return page.text();
}

function addSidecar(page: Page, sources: MetricsSources): void {
  const { metrics, blocks, bufferedBytes, draining } = sources;
  page.family(
    "http_requests_total",
    "counter",
    "Requests answered.",
    [...metrics.requests].map(([key, value]) => {
      const [route, status] = key.split(" ");
      return [{ route, status }, value] as const;
    }),
  );
  page.family(
    "http_request_seconds",
    "histogram",
    "From a request's head to the end of its answer.",
    [...metrics.seconds].flatMap(([route, histogram]) => [
      ...histogramSamples({ route }, SECONDS_BOUNDS, histogram),
    ]),
  );
  page.family(
    "http_malformed_total",
    "counter",
    "Requests that were no HTTP or did not arrive in time.",
    [...metrics.malformed].map(([code, value]) => [{ code }, value] as const),
  );
  page.family(
    "grpc_answers_total",
    "counter",
    "Answers by canonical status code.",
    [...metrics.grpcAnswers].map(([code, value]) => [{ code }, value] as const),
  );
  page.one(
    "http_requests_in_flight",
    "gauge",
    "Requests not yet answered.",
    metrics.requestsInFlight,
  );
  page.one("grpc_streams", "gauge", "Streams open.", metrics.grpcStreams);
  page.one("connections", "gauge", "Sockets open.", metrics.connections);
  page.one(
    "connections_dropped_total",
    "counter",
    "Sockets over the limit.",
    metrics.connectionsDropped,
  );
  page.one(
    "answers_abandoned_total",
    "counter",
    "Answers not taken in time.",
    metrics.answersAbandoned,
  );
  page.one("received_bytes_total", "counter", "Bytes of request bodies.", metrics.bytesReceived);
  page.one("sent_bytes_total", "counter", "Bytes of answer bodies.", metrics.bytesSent);
  page.one("buffered_bytes", "gauge", "Bytes held for clients.", bufferedBytes);
  page.one("blocks_pending", "gauge", "Blocks waiting or running.", blocks.pending);
  page.one("draining", "gauge", "1 from the start of a drain on.", draining ? 1 : 0);
}

/** Counters of the verifier: name, field, help. */
const VERIFIER_COUNTERS = [
  ["jobs", "Submissions."],
  ["submitted", "Items submitted."],
  ["answered", "Items answered."],
  ["valid", "Items answered Valid."],
  ["invalid", "Items answered with another verdict."],
  ["cacheHits", "Items answered from the cache."],
  ["joined", "Items joined to the same item on its way."],
  ["shed", "Items shed or refused."],
  ["aborted", "Items whose caller went away."],
  ["expired", "Items not started before their deadline."],
  ["rerun", "Items run again elsewhere."],
  ["batches", "Batches run."],
  ["canaries", "Known-answer records hidden in batches."],
  ["rechecked", "Answers computed again on a trusted back end."],
  ["mismatches", "Wrong answers caught."],
] as const;

function addVerifier(page: Page, verifier: Verifier): void {
  const { metrics } = verifier;
  for (const [field, help] of VERIFIER_COUNTERS) {
    const name = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    page.one(`verifier_${name}_total`, "counter", help, metrics[field]);
  }
  page.one("verifier_queued_items", "gauge", "Items waiting.", verifier.queuedItems);
  page.family(
    "verifier_wait_milliseconds",
    "histogram",
    "From submission to answer, by submission.",
    histogramSamples({}, WAIT_BOUNDS_MS, {
      buckets: metrics.waits,
      sum: metrics.waitedMs,
      count: metrics.waits.reduce((sum, jobs) => sum + jobs, 0),
    }),
  );
  page.family(
    "verifier_failures_total",
    "counter",
    "Batches that a back end failed.",
    [...metrics.failures].map(([key, value]) => {
      const [backend, code] = key.split(" ");
      return [{ backend, code }, value] as const;
    }),
  );
}

function addBackends(page: Page, verifier: Verifier): void {
  const columns = verifier.status();
  page.family(
    "backend_items_total",
    "counter",
    "Items given to a back end.",
    [...verifier.metrics.itemsByBackend].map(([backend, value]) => [{ backend }, value] as const),
  );
  page.family(
    "backend_state",
    "gauge",
    "1 for the state that a back end is in.",
    columns.map(({ id, state }) => [{ backend: id, state }, 1] as const),
  );
  page.family(
    "backend_batches_in_flight",
    "gauge",
    "Batches running.",
    columns.map(({ id, inFlight }) => [{ backend: id }, inFlight] as const),
  );
  page.family(
    "backend_item_milliseconds",
    "gauge",
    "Learnt cost of an item in a batch.",
    columns.flatMap(({ id, costs }) =>
      Object.entries(costs).map(
        ([algorithm, { perItemMs }]) => [{ backend: id, algorithm }, perItemMs] as const,
      ),
    ),
  );
}
