// Builds the console's vendored files: node build.mjs [OUTPUT FOLDER]
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = resolve(process.argv[2] ?? join(HERE, "../../connector/web/static/vendor"));
const SHIPPED_AS_IS = ["htmx.org", "lucide-static"];

const own = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));
const installed = (name) => JSON.parse(readFileSync(join(HERE, "node_modules", name, "package.json"), "utf8"));

/** Bundles the editor; returns the names of the packages that are in it. */
async function editor() {
  const result = await build({
    absWorkingDir: HERE,
    entryPoints: ["src/editor.js"],
    outfile: join(OUT, "editor.js"),
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "ConnectorEditor",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    banner: { js: "/* CodeMirror and what it stands on; names, versions and licences: LICENSES.txt */" },
    metafile: true,
    logLevel: "warning",
  });
  const inside = Object.values(result.metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const used = inside.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  return new Set(used.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean));
}

/** One sprite; its symbols take size and colour from where they are used. */
function icons() {
  const names = readFileSync(join(HERE, "icons.txt"), "utf8").split("\n").filter(Boolean);
  const stroke = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  const symbols = names.map((name) => {
    const svg = readFileSync(join(HERE, "node_modules/lucide-static/icons", `${name}.svg`), "utf8");
    const shapes = svg.match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1].replace(/\s*\n\s*/g, "").replace(/ \/>/g, "/>");
    return `<symbol id="${name}" viewBox="0 0 24 24" ${stroke}>${shapes}</symbol>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
  writeFileSync(join(OUT, "icons.svg"), svg);
}

/** The licence text of each package; a package without one stops the build. */
function licences(names) {
  const entries = names.map((name) => {
    const file = readdirSync(join(HERE, "node_modules", name)).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} comes without a licence text`);
    const text = readFileSync(join(HERE, "node_modules", name, file), "utf8").replace(/\r\n/g, "\n").trim();
    const { version, license } = installed(name);
    return `=== ${name} ${version} (${license}) ===\n\n${text}\n`;
  });
  writeFileSync(join(OUT, "LICENSES.txt"), entries.join("\n\n"));
}

function manifest(names) {
  const sha256 = (file) => createHash("sha256").update(readFileSync(join(OUT, file))).digest("hex");
  const files = readdirSync(OUT).filter((file) => file !== "manifest.json").sort();
  const content = {
    files: Object.fromEntries(files.map((file) => [file, sha256(file)])),
    packages: Object.fromEntries(names.map((name) => [name, installed(name).version])),
    built_with: own.devDependencies,
  };
  writeFileSync(join(OUT, "manifest.json"), JSON.stringify(content, null, 2) + "\n");
}

if (!existsSync(join(HERE, "node_modules"))) throw new Error("First: npm ci --ignore-scripts");
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const bundled = await editor();
const names = [...new Set([...SHIPPED_AS_IS, ...bundled, ...Object.keys(own.dependencies)])].sort();
cpSync(join(HERE, "node_modules/htmx.org/dist/htmx.min.js"), join(OUT, "htmx.min.js"));
icons();
licences(names);
manifest(names);
