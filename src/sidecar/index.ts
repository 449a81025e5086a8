/** The sidecar server (`lanewise/sidecar`): an entry of its own, so that nobody else loads gRPC. @module */
export type { BlockValidator, Engine, EngineOptions } from "./engine.ts";
export { lanewiseService } from "./grpc.ts";
export { SidecarMetrics } from "./metrics.ts";
export { DEFAULT_LIMITS, type SidecarLimits } from "./options.ts";
export type { VerifyRequest, VerifyResponse } from "./protobuf.ts";
export {
  createSidecar,
  DEFAULT_HOST,
  DEFAULT_PORT,
  type Sidecar,
  type SidecarAddresses,
  type SidecarOptions,
} from "./sidecar.ts";
