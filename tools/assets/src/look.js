// How the editor looks. Colours are the page's CSS variables, with ours where the page has none (light, dark).
import { EditorView } from "@codemirror/view";

const LIGHT = {
  "--ed-surface": "var(--surface, #ffffff)",
  "--ed-text": "var(--text, #1c2024)",
  "--ed-muted": "var(--muted, #60646c)",
  "--ed-border": "var(--border, #d9d9e0)",
  "--ed-accent": "var(--accent, #0b6e4f)",
  "--ed-danger": "var(--danger, #c62a2f)",
  "--ed-warning": "var(--warning, #8f5b00)",
  "--ed-key": "var(--syntax-key, #1f4fbf)",
  "--ed-string": "var(--syntax-string, #256b2c)",
  "--ed-meta": "var(--syntax-meta, #8a3ab9)",
  "--ed-expression": "var(--syntax-expression, #9a3412)",
};
const DARK = {
  "--ed-surface": "var(--surface, #18191b)",
  "--ed-text": "var(--text, #edeef0)",
  "--ed-muted": "var(--muted, #b0b4ba)",
  "--ed-border": "var(--border, #43484e)",
  "--ed-accent": "var(--accent, #4cc38a)",
  "--ed-danger": "var(--danger, #ff9592)",
  "--ed-warning": "var(--warning, #ffca16)",
  "--ed-key": "var(--syntax-key, #9eb1ff)",
  "--ed-string": "var(--syntax-string, #8fd19e)",
  "--ed-meta": "var(--syntax-meta, #d19dff)",
  "--ed-expression": "var(--syntax-expression, #ffb38a)",
};

const tint = (colour, share) => `color-mix(in srgb, ${colour} ${share}%, transparent)`;
const popup = {
  backgroundColor: "var(--ed-surface)",
  color: "var(--ed-text)",
  border: "1px solid var(--ed-border)",
  borderRadius: "var(--radius, 6px)",
};

const variables = EditorView.baseTheme({ "&light": LIGHT, "&dark": DARK });

const rules = EditorView.theme({
  "&": {
    backgroundColor: "var(--ed-surface)",
    color: "var(--ed-text)",
    border: "1px solid var(--ed-border)",
    borderRadius: "var(--radius, 6px)",
    height: "100%",
    fontSize: "var(--editor-font-size, 13px)",
  },
  "&.cm-focused": { outline: "2px solid var(--ed-accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--font-mono, ui-monospace, SFMono-Regular, Menlo, Consolas, monospace)", lineHeight: "1.6", borderRadius: "inherit" },
  ".cm-content": { caretColor: "var(--ed-accent)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--ed-accent)" },
  ".cm-gutters": { backgroundColor: "var(--ed-surface)", color: "var(--ed-muted)", border: "none" },
  ".cm-activeLine": { backgroundColor: tint("var(--ed-accent)", 6) },
  ".cm-activeLineGutter": { backgroundColor: tint("var(--ed-accent)", 12), color: "var(--ed-text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: tint("var(--ed-accent)", 24),
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: tint("var(--ed-accent)", 28) },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: tint("var(--ed-danger)", 28) },
  ".cm-searchMatch": { backgroundColor: tint("var(--ed-warning)", 30) },
  ".cm-searchMatch-selected": { backgroundColor: tint("var(--ed-warning)", 60) },
  ".cm-selectionMatch": { backgroundColor: tint("var(--ed-accent)", 16) },
  ".cm-foldPlaceholder": { backgroundColor: "transparent", color: "var(--ed-muted)", borderColor: "var(--ed-border)" },
  ".cm-panels": { backgroundColor: "var(--ed-surface)", color: "var(--ed-text)" },
  ".cm-panels.cm-panels-top": { borderBottom: "1px solid var(--ed-border)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--ed-border)" },
  ".cm-textfield": { backgroundColor: "var(--ed-surface)", color: "var(--ed-text)", borderColor: "var(--ed-border)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: tint("var(--ed-text)", 8), color: "var(--ed-text)", borderColor: "var(--ed-border)" },
  ".cm-panel.cm-search [name=close], .cm-panel.cm-panel-lint [name=close]": { color: "var(--ed-text)" },
  ".cm-tooltip": popup,
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "inherit" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: tint("var(--ed-accent)", 22), color: "var(--ed-text)" },
  ".cm-completionDetail": { color: "var(--ed-muted)", fontStyle: "normal" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-diagnostic": { fontFamily: "var(--font-sans, system-ui, sans-serif)", color: "var(--ed-text)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--ed-danger)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--ed-warning)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--ed-danger) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--ed-warning) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--ed-muted) 1px", textUnderlineOffset: "3px" },
  ".ed-key": { color: "var(--ed-key)" },
  ".ed-string": { color: "var(--ed-string)" },
  ".ed-meta": { color: "var(--ed-meta)" },
  ".ed-comment": { color: "var(--ed-muted)", fontStyle: "italic" },
  ".ed-mark": { color: "var(--ed-muted)" },
  ".ed-expression, .ed-expression *": { color: "var(--ed-expression)" },
  ".ed-expression": { backgroundColor: tint("var(--ed-expression)", 10), borderRadius: "3px" },
});

export const look = [variables, rules];
