"""The sentences of docs/mapping-reference.md that no schema can tell."""

BEFORE = """
# Mapping reference

A mapping says what a customer's WhatsApp reply changes in your CRM; a `send:` document says which event of your CRM
sends a WhatsApp template, and what the CRM learns of it; a `flow:` document is a conversation. Each is a text file in
`mappings/`, one document per file.
This page is generated from the program itself; a test fails when the two differ.

```yaml
mapping: delivery-slot
crm: hubspot
when: {answer_to: delivery_question, type: list}
set:
  delivery_slot: "{{ answer.id }}"
tests:
  - {given: {answer.id: morning}, expect: {delivery_slot: morning}}
```

- Text stays text: `no`, `007`, `12:30` keep their spelling. Put a text in quotes when it holds `{{ }}`, `: ` or `
  #`, or begins
  with one of ``* & @ % > | [ ] { } ! ` , ? " ' -``.
- A document has at most 256 kB and is at most 20 deep; YAML's tags, aliases and anchors are not used.
- Buttons and list rows are matched by their id. Texts are compared without case, accents, outer spaces and final
  punctuation.
"""

AFTER = """
## Expressions

A text may hold `{{ }}`; `from:` and `only_if:` take an expression without them. Allowed are dotted paths, texts in
quotes,
numbers, `true` `false` `none`, the filters above, `a if b else c`, `and` `or` `not`, `== != < <= > >= in`, and `~`,
which joins
texts. There is no arithmetic: make a calculated field in the CRM. A value that is one `{{ }}` keeps its type.
Comparing with a
number makes a number of the other side; what is no number makes the comparison false. A path that leads nowhere is
empty.

## What is never guessed

Numbers and dates are read by the account's locale. Without one, `1.500` (fifteen hundred, or one and a half) and
`03/04/2026`
are not understood; a date without its year, or with a year of two figures, never is. `9/10` is 9 where `max` is 10
or left out.
An answer that is not understood goes to `else`. So does a message that holds no answer at all, such as a picture
where a text
was asked for; only a blank field of a form is simply nothing to write.

## When nothing is written

- An empty result writes nothing; with `clear: yes` it empties the field.
- A field that already has the value is left alone.
- `overwrite: if_empty` writes only where nothing stands.
- `overwrite: if_further` writes only forward, in `order:`, else in the CRM's order of the options. A value without
  a place in
  that order stays.
- `overwrite: if_newer` compares two dates, the later one wins. For any other field the message must have been sent
  after the
  record was last changed; where the CRM does not say when that was, the value stays.
- `overwrite: unless_human` keeps what a person wrote; where the CRM does not say who wrote it, it is taken for a
  person's.
- Where two mappings set one field for the same message, the first by name wins.

An empty field may always be written. A field that goes to review holds back only itself.

## A field of another record

In a mapping, `deal.dealstage: closedwon` (or `record.x`, `opportunity.x`, `ticket.x`, ...) sets a field of the record
whose event sent the message that was answered. Where there is no such record the field goes to review.

## Tests

`given` names what matters, the rest is made up: the message answers the first name of `answer_to`, one CRM record
matches (or
`contact: none`, `contact: several`), now is a Tuesday, 10:00 UTC, and the account has no locale unless `locale:` is
given.
`attempt: 2` is the answer after the first `ask_again`. `expect` may name fields (a value, `unchanged`, `cleared`),
`reply`,
`task`, `log`, `start`, `handoff`, `notify` (a text, or `none`), `consent.marketing`, `because` (words of the
reason) and `outcome`: `done`,
`review` (something waits for a person), `skip` (nothing to do) or `no_match`. A field named like one of these is
written `field.reply`.
"""
