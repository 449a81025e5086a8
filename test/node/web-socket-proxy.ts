/** A proxy before a node's WebSocket, which can change what the node says, swallow it, or break the connection. @module */
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

// biome-ignore lint/suspicious/noExplicitAny: whatever the node said
type Message = any;

/** A proxy in use. */
export interface WebSocketProxy {
  readonly url: string;
  /** Changes a message of the node on its way; `undefined` swallows it. */
  tamper: (message: Message) => Message | undefined;
  /** Breaks all connections; new ones are refused for `refuseMs`. */
  breakConnections(refuseMs: number): void;
  close(): Promise<void>;
}

/** Starts a proxy to the node at `target`. */
export async function startProxy(target: string): Promise<WebSocketProxy> {
  let refusesUntilMs = 0;
  const server = new WebSocketServer({
    port: 0,
    host: "127.0.0.1",
    verifyClient: () => performance.now() >= refusesUntilMs,
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const proxy: WebSocketProxy = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tamper: (message) => message,
    breakConnections(refuseMs) {
      refusesUntilMs = performance.now() + refuseMs;
      for (const client of server.clients) client.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate();
        server.close(() => resolve());
      }),
  };
  server.on("connection", (client) => {
    const node = new WebSocket(target);
    const early: string[] = [];
    node.on("open", () => {
      for (const message of early) node.send(message);
    });
    client.on("message", (data) => {
      if (node.readyState === WebSocket.OPEN) node.send(data.toString());
      else early.push(data.toString());
    });
    node.on("message", (data) => {
      const message = proxy.tamper(JSON.parse(data.toString()));
      if (message !== undefined && client.readyState === WebSocket.OPEN) {
        client.send(JSON.stringify(message));
      }
    });
    client.on("close", () => node.terminate());
    node.on("close", () => client.terminate());
    node.on("error", () => client.terminate());
  });
  return proxy;
}
