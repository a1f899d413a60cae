// The YAML editor of the console, over CodeMirror 6. Built to connector/web/static/vendor/editor.js.
// What it takes and gives is in lines and columns that start at 1, as our linter's findings are.
import { autocompletion } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { forceLinting, linter, lintGutter, setDiagnostics } from "@codemirror/lint";
import { search } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import { Decoration, EditorView, keymap, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { look } from "./look.js";

const WAIT_BEFORE_LINT = 400; // ms after the last key
const LEAVE = "Press Escape, then Tab, to leave the editor.";

const yamlColours = HighlightStyle.define([
  { tag: tags.definition(tags.propertyName), class: "ed-key" },
  { tag: [tags.string, tags.special(tags.string)], class: "ed-string" },
  { tag: tags.lineComment, class: "ed-comment" },
  { tag: [tags.keyword, tags.meta, tags.typeName, tags.labelName, tags.attributeValue], class: "ed-meta" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], class: "ed-mark" },
]);

const expression = new MatchDecorator({
  regexp: /\{\{.*?\}\}/g,
  decoration: Decoration.mark({ class: "ed-expression" }),
});

const expressions = ViewPlugin.define(
  (view) => ({
    found: expression.createDeco(view),
    update(update) {
      this.found = expression.updateDeco(update, this.found);
    },
  }),
  { decorations: (plugin) => plugin.found },
);

/** Where line and column are in the text; what lies outside it goes to its nearest end. */
function position(doc, line, column = 1) {
  const at = doc.line(Math.min(Math.max(line || 1, 1), doc.lines));
  return Math.min(at.from + Math.max(column || 1, 1) - 1, at.to);
}

/** A finding of ours ({line, column?, endLine?, endColumn?, severity?, message, hint?}) as CodeMirror's. */
function diagnostic(doc, found) {
  const line = doc.line(Math.min(Math.max(found.line || 1, 1), doc.lines));
  const from = found.column ? position(doc, line.number, found.column) : line.from + line.text.search(/\S|$/);
  const to = found.endLine || found.endColumn ? position(doc, found.endLine || line.number, found.endColumn) : line.to;
  return {
    from,
    to: Math.max(from, to),
    severity: found.severity || "error",
    message: found.hint ? `${found.message}\n${found.hint}` : found.message,
  };
}

/** Asks lintSource(text). When that fails the page says so: no finding would look like a clean text. */
function linting(lintSource) {
  return async (view) => {
    const doc = view.state.doc;
    let found;
    try {
      found = (await lintSource(doc.toString())) || [];
    } catch {
      found = [{ line: 1, severity: "warning", message: "The text could not be checked just now." }];
    }
    return found.map((one) => diagnostic(doc, one));
  };
}

/** Asks completionSource({text, line, column, before, word, explicit}); options stand for `word`. */
function completing(completionSource) {
  return async (context) => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const word = before.match(/[\w.-]*$/)[0];
    if (!word && !context.explicit && !/(\{\{|[:|.-])\s*$/.test(before)) return null;
    const options = await completionSource({
      text: context.state.doc.toString(),
      line: line.number,
      column: context.pos - line.from + 1,
      before,
      word,
      explicit: context.explicit,
    });
    return options?.length ? { from: context.pos - word.length, options, validFor: /^[\w.-]*$/ } : null;
  };
}

/** The part of `next` that differs from what stands there: the cursor and the marks outside of it stay. */
function difference(before, next) {
  const shorter = Math.min(before.length, next.length);
  let start = 0;
  while (start < shorter && before[start] === next[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === next[next.length - 1 - end]) end++;
  return { from: start, to: before.length - end, insert: next.slice(start, next.length - end) };
}

/**
 * An editor in `parent`. All options but `parent` may be left out:
 * doc, nonce (of the page's CSP), label, readOnly, dark, line (to start at), onChange(text), onSave(text),
 * lintSource(text) -> findings, completionSource(place) -> [{label, detail?, info?, type?, apply?}].
 */
export function create(options) {
  const { parent, doc = "", nonce, label = "YAML", readOnly = false, onChange, onSave } = options;
  const darkness = new Compartment();
  const writing = new Compartment();
  const prefersDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
  let told = true; // whether changes are told to the page; not those that the page made itself

  const writable = (yes) => [
    EditorState.readOnly.of(!yes),
    EditorView.contentAttributes.of({ "aria-readonly": String(!yes) }),
  ];
  const save = { key: "Mod-s", preventDefault: true, run: (view) => (onSave?.(view.state.doc.toString()), true) };

  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc,
      extensions: [
        nonce ? EditorView.cspNonce.of(nonce) : [],
        darkness.of(EditorView.darkTheme.of(options.dark ?? prefersDark())),
        writing.of(writable(!readOnly)),
        EditorView.contentAttributes.of({ "aria-label": label, "aria-description": LEAVE }),
        onSave ? keymap.of([save]) : [],
        basicSetup,
        keymap.of([indentWithTab]),
        search({ top: true }),
        indentUnit.of("  "),
        EditorState.tabSize.of(2),
        EditorView.lineWrapping,
        yaml(),
        syntaxHighlighting(yamlColours),
        expressions,
        look,
        lintGutter(),
        options.lintSource ? linter(linting(options.lintSource), { delay: options.lintDelay ?? WAIT_BEFORE_LINT }) : [],
        autocompletion(options.completionSource ? { override: [completing(options.completionSource)] } : {}),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && told) onChange?.(update.state.doc.toString());
        }),
      ],
    }),
  });

  const handle = {
    view,
    getText: () => view.state.doc.toString(),
    /** Puts another text in; it can be undone, and onChange is not called. */
    setText(text) {
      told = false;
      view.dispatch({ changes: difference(handle.getText(), text.replace(/\r\n?/g, "\n")) });
      told = true;
    },
    /** Shows these findings instead of those shown; for pages without lintSource. */
    setDiagnostics(found) {
      view.dispatch(setDiagnostics(view.state, found.map((one) => diagnostic(view.state.doc, one))));
    },
    focusLine(line, column = 1) {
      const anchor = position(view.state.doc, line, column);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    /** Checks now what waits to be checked. */
    lint: () => forceLinting(view),
    setReadOnly: (yes) => view.dispatch({ effects: writing.reconfigure(writable(!yes)) }),
    setDark: (yes) => view.dispatch({ effects: darkness.reconfigure(EditorView.darkTheme.of(yes)) }),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
  if (options.line) handle.focusLine(options.line);
  return handle;
}

/**
 * An editor in place of a <textarea>, which stays in the form, hidden and in step, and gets `input` events;
 * without JavaScript the textarea is there. Label: its aria-label or its <label>.
 */
export function replace(textarea, options = {}) {
  const parent = document.createElement("div");
  textarea.before(parent);
  textarea.hidden = true;
  const handle = create({
    label: textarea.getAttribute("aria-label") || textarea.labels?.[0]?.textContent.trim() || undefined,
    readOnly: textarea.readOnly,
    ...options,
    parent,
    doc: textarea.value,
    onChange(text) {
      textarea.value = text;
      textarea.dispatchEvent(new Event("input", { bubbles: true }));
      options.onChange?.(text);
    },
  });
  const setText = handle.setText;
  handle.setText = (text) => {
    setText(text);
    textarea.value = handle.getText();
  };
  textarea.labels?.forEach((label) => label.addEventListener("click", handle.focus));
  return handle;
}
