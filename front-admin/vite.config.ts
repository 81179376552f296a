import { reactRouter } from "@react-router/dev/vite";
import { frontDevelopment } from "@tools-dashboard/front-kit/server/vite.ts";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/admin/",
  plugins: [reactRouter(), frontDevelopment("front-admin")],
  server: { port: Number(process.env["PORT"] || 4100), strictPort: true },
});
