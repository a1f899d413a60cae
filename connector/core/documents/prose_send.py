"""The sentences of docs/mapping-reference.md about `send:` documents that no schema can tell."""

SENDING = """
## How a message is sent

```yaml
send: visit-tomorrow
crm: salesforce
when:
  date: opportunity.Visit_Date__c - 1 day at 09:00
  only_if: opportunity.IsClosed == false
to:
  contact: opportunity.contact
  phone: [contact.MobilePhone, contact.Phone]
template: visit_tomorrow
language: en
with: {1: "{{ contact.FirstName | default('there') }}"}
buttons: [confirm, reschedule]
guard:
  quiet_hours: {allow: 08:00-20:00, time_zone: contact}
  give_up_after: 12 hours
after:
  failed: {task: {for: owner}}
tests:
  - given: {opportunity.IsClosed: false, contact.FirstName: Ana}
    expect: {outcome: sends, with.1: Ana, buttons: "confirm, reschedule"}
  - given: {opportunity.IsClosed: true}
    expect: {outcome: no_match}
```

The event that starts it is the message's identity: the same event twice is one message. A new document starts from
now; it never sends for what happened before it was published.

- `deal.dealstage: {becomes: won}` is the move to that value; `{changes}` any change. `{is: won}` fires each time the
  CRM tells us of the field while it has the value: where `becomes` is meant, write `becomes`. Beside `date:`, `every:`
  or `webhook:` an `is` only narrows.
- Of several fields in one `when:` any one starts it; all must be of one record.
- `contact.created` (bare, or with `yes`) is a new record.
- A change that we wrote ourselves starts nothing, unless `own_changes: yes`.
- `date: contact.renewal_date - 3 days at 09:00` is the account's time. When the date moves, the old time is dropped.
- `webhook: name` is a link, or a workflow's action, that starts this one document; `webhook.phone` and the like are
  what it was called with. Without a record, `to: {phone: webhook.phone}` is enough.
- `segment: list VIP customers` is a broadcast: one message to each person of a list in the CRM, of a `csv`, or of `any`
  list that is chosen when it is sent. A person starts it, after a forecast; with `at: 2026-12-01 09:00` it begins by
  itself, in the account's time zone. `contact.x` is a field of the person's record, or a column of the CSV. The values
  are read once, when the broadcast is planned, and stay as they were then ([broadcasts](broadcasts.md)).
- `to:` may be left out where the record is the person itself (`contact`, `lead`).
- `phone:` takes the first number that is not empty and can be reached. When it is left out, it is `contact.phone`: the
  CRM's field of that name, else the number this person writes to us from.

What can stop it, in this order; the first is the reason shown:

1. `consent`: an opt-out always wins. For a marketing template the person must have opted in, for others not opted out;
   `guard: consent:` says otherwise. START after a STOP ends the STOP; it is no leave for marketing.
2. `no_phone`, `bad_phone`: no number, or none that exists.
3. `template`, `language`: not there, not approved, or it takes other values. The language is taken exactly, else one of
   the same language (`es` for `es_MX`). A template that Meta paused is tried again every hour.
4. `cancelled` by `cancel_if`, `give_up` after `give_up_after`, `at_most`.
5. `quiet_hours`: it waits for the next allowed time, or is refused with `otherwise: refuse`, and expires where
   `give_up_after` ends before that. Where the person's time zone is not known, every time zone of the phone's country
   must allow it.
6. `parameter`: a value is empty, too long or cannot stand in a message. `default('there')` helps.

`after:` tells the CRM what became of it: `deal.x` is a field of the record that started it, a bare name one of the
contact. `failure.reason`, `failure.code` and `failure.who` are known under `failed:`. A message that was refused
or expired has failed too, a cancelled one has not.

`goal:` says what it is meant to lead to: `{deal.dealstage: closedwon, within: 14 days}`. The reports count the messages
after which the record moved there; of several messages before one move the last has it ([reports](reports.md)).

In `tests:` of a `send:` document the trigger is met, the phone can be reached, an approved template fits, and now is a
Tuesday, 10:00 in the contact's time zone, unless `given` says otherwise: `deal.<field>`, `contact.<field>`,
`webhook.<name>`, `now`, `consent: opted_in` or `opted_out`, `phone: none`, `template: none` (or a status: `PAUSED`),
`category`, `language`, `sent_at` (earlier messages), `created_at`, `failure.<name>`, `trigger: no`. `expect` may name
`outcome` (`sends`, `waits`, `refused`, `expired`, `cancelled`, `no_match`), `until`, `because`, `code`, `to`,
`language`, `template`, `buttons`, `with.<name>`, and what `after:` writes: `after.failed.deal.<field>`,
`after.failed.task`, `after.sent.log`.
"""
