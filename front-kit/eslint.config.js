import { kitRules } from "./eslint/index.js";

export default kitRules;
