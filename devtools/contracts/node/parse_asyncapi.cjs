// Prints what @asyncapi/parser finds wrong with the document of that name; fails where it does.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

new Parser().parse(readFileSync(process.argv[2], "utf8")).then(({ diagnostics }) => {
  for (const { path, code, message } of diagnostics) {
    console.log(`${path.join(".")} ${code}: ${message}`);
  }
  process.exitCode = diagnostics.length ? 1 : 0;
});
