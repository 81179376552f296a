import { frontRules } from "@tools-dashboard/front-kit/eslint/index.js";

export default frontRules;
