/** What `react-router dev` needs to stand in for the built front. */
import type { Plugin } from "vite";

/** Answers the health paths of a front, which are under no base path. */
export function frontDevelopment(service: string): Plugin {
  return {
    name: "front-development",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
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
