/** What the fronts may not do, for ESLint: no data access, no token in script's reach, no import across features, no hand-written API type. */
import hooks from "eslint-plugin-react-hooks";
import typescript from "typescript-eslint";

const DATA_ACCESS = {
  regex:
    "^(pg|postgres|mysql2?|mongodb|redis|ioredis|iovalkey|cassandra-driver|knex|sequelize|typeorm|@prisma/.*|drizzle-orm)($|/)",
  message: "A front opens no database: call the API by the session's client.",
};
const OTHER_CLIENTS = {
  regex: "^(axios|got|ky|undici|node-fetch|(node:)?(http|https|net|tls|http2))($|/)",
  message: "A front calls the gateway alone, by the session's client (front-kit/server/api.ts).",
};
const STORAGE = "A script holds no token: sessions are cookies of the front's server.";

const acrossFeatures = (up) => ({
  regex: `^${"\\.\\./".repeat(up)}(?!\\.\\.)`,
  message: "A feature imports no other one: compose them above the features, or share in front-kit.",
});

const imports = (...patterns) => [
  "error",
  { patterns: [DATA_ACCESS, OTHER_CLIENTS, ...patterns] },
];

/** The rules of a front's folder; `app/features/<feature>/` is laid out as in front-public. */
export const frontRules = [
  { ignores: ["build/**", "node_modules/**", ".react-router/**"] },
  ...typescript.configs.recommended,
  hooks.configs.flat.recommended,
  {
    files: ["app/**/*.ts", "app/**/*.tsx"],
    rules: {
      "no-restricted-imports": imports(),
      "no-restricted-globals": [
        "error",
        { name: "fetch", message: OTHER_CLIENTS.message },
        { name: "XMLHttpRequest", message: OTHER_CLIENTS.message },
        { name: "WebSocket", message: "Use the live client of front-kit." },
        { name: "localStorage", message: STORAGE },
        { name: "sessionStorage", message: STORAGE },
      ],
      "no-restricted-properties": [
        "error",
        { object: "document", property: "cookie", message: STORAGE },
        { object: "window", property: "localStorage", message: STORAGE },
        { object: "window", property: "sessionStorage", message: STORAGE },
        { object: "window", property: "fetch", message: OTHER_CLIENTS.message },
        { object: "globalThis", property: "fetch", message: OTHER_CLIENTS.message },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "TSPropertySignature[key.name=/[a-z]_[a-z]/]",
          message: "Types of the API are generated: take Schema<…> of front-kit/server/contract.ts.",
        },
        {
          selector: "JSXAttribute[name.name='style']",
          message: "The page's policy allows no inline style: use a class.",
        },
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text of the API is never HTML.",
        },
      ],
    },
  },
  {
    files: ["app/features/*/*.ts", "app/features/*/*.tsx"],
    rules: { "no-restricted-imports": imports(acrossFeatures(1)) },
  },
  {
    files: ["app/features/*/*/*.ts", "app/features/*/*/*.tsx"],
    rules: { "no-restricted-imports": imports(acrossFeatures(2)) },
  },
];

/** The rules of front-kit itself. */
export const kitRules = [
  { ignores: ["node_modules/**"] },
  ...typescript.configs.recommended,
  hooks.configs.flat.recommended,
];
