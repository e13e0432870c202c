import boundaries from "eslint-plugin-boundaries";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

// Who may import whom; every folder of src is a layer and an unplaced folder fails (boundaries/no-unknown-files).
const reaches = {
  contract: [],
  lib: [],
  state: ["contract", "lib"],
  viewer: ["state", "contract", "lib"],
  live: ["state", "contract", "lib"],
  api: ["state", "contract", "lib"],
  actions: ["viewer", "live", "api", "state", "contract", "lib"],
  ui: ["lib"],
  pages: ["actions", "viewer", "live", "api", "state", "contract", "lib", "ui"],
  app: ["pages", "actions", "viewer", "live", "api", "state", "contract", "lib", "ui", "styles"],
  styles: [],
};

const elements = Object.keys(reaches).map((type) => ({ type, pattern: `src/${type}`, partialMatch: false }));
const policies = Object.entries(reaches).map(([type, targets]) => ({
  from: { element: { type } },
  allow: { to: { element: { types: { anyOf: [type, ...targets] } } } },
}));

export default tseslint.config(
  { ignores: ["dist", "src/contract/api.ts", "src/contract/events.ts"] },
  ...tseslint.configs.strict,
  reactHooks.configs.flat.recommended,
  jsxA11y.flatConfigs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/main.tsx"],
    plugins: { boundaries },
    settings: {
      "boundaries/elements": elements,
      "import/resolver": { node: { extensions: [".ts", ".tsx", ".css"] } },
    },
    rules: {
      "boundaries/no-unknown-files": "error",
      "boundaries/dependencies": [
        "error",
        {
          default: "disallow",
          message: "{{from.type}} may not import {{to.type}}: see the layers in eslint.config.js.",
          policies: [...policies, { allow: { to: { module: { origin: ["external", "core"] } } } }],
        },
      ],
      complexity: ["error", 10],
      "max-lines": ["error", { max: 400 }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: false, skipComments: false }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
    },
  },
  {
    files: ["src/**/*.{ts,tsx}"],
    ignores: ["src/viewer/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [{ group: ["@cornerstonejs/*", "@kitware/*"], message: "Only src/viewer imports Cornerstone3D." }],
        },
      ],
    },
  },
  {
    files: ["src/**/*.test.{ts,tsx}", "src/app/test_setup.ts"],
    // A describe block is as long as its cases.
    rules: { "max-lines-per-function": "off", "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
