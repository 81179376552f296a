/** What `react-router dev` needs to stand in for the built front. */
import type { Plugin } from "vite";

import { setClientAddress } from "./client-address.ts";
import { settingsFrom } from "./settings.ts";

/** Answers the health paths of a front, which are under no base path, and leads to its start. */
export function frontDevelopment(service: string): Plugin {
  return {
    name: "front-development",
    apply: "serve",
    // The gateway asks by the name of the service. Its time-out is too short for the socket of hot
    // reload, which goes to this server itself.
    config: () => ({
      server: { allowedHosts: [service], ws: { clientPort: Number(process.env["PORT"]) } },
    }),
    configureServer(server) {
      const { gatewayKeys } = settingsFrom(process.env, server.config.server.port);
      server.middlewares.use((request, response, next) => {
        setClientAddress(request, gatewayKeys);
        const { base } = server.config;
        if (request.url === "/" || request.url === base.slice(0, -1)) {
          response.writeHead(302, { Location: base }).end();
          return;
        }
        if (!request.url?.startsWith("/health/")) {
          next();
          return;
        }
        response.setHeader("Content-Type", "application/json");
        response.end(JSON.stringify({ status: "ok", service }));
      });
    },
  };
}
