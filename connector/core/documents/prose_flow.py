"""The sentences of docs/mapping-reference.md about `flow:` documents that no schema can tell."""

TALKING = """
## How a conversation goes

```yaml
flow: table-booking
crm: hubspot
start: [{says: [table, mesa]}]
expires: 20 hours
steps:
  people:
    ask: {en: For how many people?, es: ¿Para cuántas personas?}
    as: integer
    min: 1
    max: 20
    remember: people
    go: [{if: flow.people > 8, to: large}, {else: when}]
  when:
    ask: {en: When would you like to come?, es: ¿Cuándo quieres venir?}
    buttons: {noon: {en: Noon, es: Mediodía}, night: {en: Night, es: Noche}}
    remember: time
    go: booked
  booked:
    say: {en: "Booked for {{ flow.people }}.", es: "Reservado para {{ flow.people }}."}
    task: "Table for {{ flow.people }}, {{ flow.time }}: {{ contact.name }}"
    end: booked
  large:
    handoff: "Table for {{ flow.people }}"
    end: handed_over
always:
  no_answer: {after: 2 hours, ask_again: yes, then: {end: silent}}
  words: {person: large}
tests:
  - {say: [table, 4, noon], expect: {end: booked, said: Booked for 4.}}
  - {say: [table, many, 12], expect: {end: handed_over}}
  - {say: [table, 2 hours pass, 2 hours pass], expect: {end: silent}}
```

It begins at the first step. A step that asks (`ask:`, or a `template:` with `buttons:`) waits; everything else of the
step, `save`, `set`, `task` and so on, is done once the answer is understood. A step that asks nothing does its work at
once and goes on.

What a message is to the question that waits:

| what comes | what happens |
|---|---|
| a tap on one of its buttons, or its id or label typed | the answer, by its id |
| words, where words are asked | read as `as:` says; not understood: asked again, `not_understood` says how often |
| a picture, a place, a form, ... where something else is asked | not understood |
| a tap on a button of another message | never an answer: the question is said again, after 10 seconds |
| a reaction, an edited or deleted message, a message in a group | changes nothing |
| a STOP word | the conversation ends, `opted_out`, in every language we know, at every step |
| a word of `always: words`, as the whole message | goes to its step; an answer the question knows goes first |
| such a word inside a message that is no answer | goes to its step too |
| anything while it waits for a time or for a person | changes nothing |

How it ends: with the word of `end:`, or `done`, `handed_over`, `started` (another flow), `opted_out`, `expired`
(`expires` is over), `not_understood`, `window` (a step would speak 24 hours after the customer's last message, and no
template reopens it), `loop` (50 steps without an answer, or 500 in all), `moved` (its step is gone), `nowhere` (no way
fits). The last four come with a question for a person, except `window`.

- **The window.** `reopen:` names the template that goes out instead. The step itself follows when the customer answers;
  a tap on a button with an id of the step's own is the answer at once. It is sent once: who does not answer it is
  treated as `no_answer` says, else the conversation ends.
- **One at a time.** A contact has one conversation. A message that would start another flow starts it only where that
  one's `priority` is higher; then the running one ends. The why says which one kept it from starting.
- **Versions.** A running conversation stays on its version until it ends, or a person moves it; a step that is gone
  ends it with `moved`.
- **Languages.** `language:` says the customer's, `es` fits `es_MX`; else the first of `languages:` is spoken.
- **A mapping's `ask_again`** is a question of that mapping and no conversation: it stays as it is beside a flow, its
  answer goes to the mapping. Where both wait, an answer to the flow's question is the flow's.

In `tests:` of a flow, `say:` is what the customer does, in order. The first thing must start the flow (unless it has no
`start:`). `{tap: id}` is surely a tap, `{text: yes}` surely a text. `given` may also say `window: closed`: the customer
has not written for long. `expect` may name `end` (`running`), `step`, `reply`, `said`, fields, `flow.<name>`, `task`,
`handoff`, `start`, `notify`, `log`, `template`, `review`, `consent.<category>`, `because`.
"""
