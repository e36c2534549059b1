# Words that many admin pages share.
admin-moment = { $day } { $month } { $year }, { $time } UTC
admin-day = { $day } { $month }
admin-just-now = just now
admin-ago-minutes = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
admin-ago-hours = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
admin-ago-days = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
admin-in-minutes = { $count ->
    [one] in { $count } minute
   *[other] in { $count } minutes
}
admin-in-hours = { $count ->
    [one] in { $count } hour
   *[other] in { $count } hours
}
admin-in-days = { $count ->
    [one] in { $count } day
   *[other] in { $count } days
}
admin-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
admin-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
admin-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
admin-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
admin-action = What
admin-actions = Actions
admin-actor = Who
admin-all = All
admin-app = App
admin-code = Code
admin-details = Details
admin-documentation = The platform's documentation
admin-edit = Edit
admin-email = Mail address
admin-error = Why
admin-example = Example
admin-facts = Facts
admin-health = Health
admin-id = Id
admin-installation = This installation
admin-job = Job
admin-key = Key
admin-made = Made
admin-meaning = Meaning
admin-mode = Mode
admin-never = Never
admin-no = No
admin-no-end = No end of its own
admin-notice = Notice
admin-order = Order
admin-partner = Partner
admin-platform = Platform
admin-reset = Reset
admin-role = Role
admin-save = Save
admin-saved = Saved.
admin-scopes = Scopes
admin-search = Search
admin-secret = secret
admin-show = Show
admin-show-all = Show all
admin-since = Since
admin-status = State
admin-store = Store
admin-to = To
admin-to-admins = To the admins
admin-to-app = To the app
admin-to-store = To the store
admin-token = Token
admin-tries = Tries
admin-used = Last used
admin-when = When
admin-where = Where to find it
admin-yes = Yes
admin-wrong-email = This is not a mail address.
admin-wrong-form = This does not have the expected form.
admin-wrong-logo = It has to be an https address.
admin-wrong-name = It has to have 1 to 100 characters.
admin-wrong-password = It has to have 12 to 256 characters.
admin-wrong-return-urls = Each has to be an https address without a user name and without #; in sandbox mode a loopback address will do.
admin-wrong-scopes = Choose at least one.
admin-overview-attention = Stores that need their merchant
admin-overview-attention-none = None: every store is connected or revoked.
admin-overview-bad = failed
admin-overview-good = succeeded
admin-overview-by-day = Refreshes in the last 14 days
admin-overview-by-hour = Refreshes in the last 24 hours
admin-overview-days = By day
admin-overview-hours = By hour
admin-overview-steps = Steps of the chart
admin-overview-dead-letters = Dead letters
admin-overview-ending = End within 30 days
admin-overview-paused = Platform apps that are held back
admin-overview-paused-text = No store is to blame. Refreshing resumes by itself after a success.
admin-jobs-none = No job here
admin-jobs-none-text = Jobs of this state appear here by themselves.
admin-jobs-shown = { $count ->
    [one] { $count } job
   *[other] { $count } jobs
}
admin-retry = Retry
admin-retry-question = Run this job again: { $kind }?
admin-retry-text = It runs at once, its tries counted anew. Every job is safe to run twice.
admin-retry-done = The job runs again.
admin-retry-twin = The same work is waiting already; nothing had to be done.
admin-notices-none = No notice yet
admin-notices-none-text = When a store needs its merchant, what was written to whom stands here.
admin-notices-shown = { $count ->
    [one] { $count } notice
   *[other] { $count } notices
}
admin-audit-none = Nothing was done
admin-audit-none-text = There is no entry about this subject. Enter a whole id, such as that of a store or an app.
admin-audit-shown = { $count ->
    [one] { $count } entry
   *[other] { $count } entries
}
admin-audit-subject = Subject
admin-keys-text = These keys seal every secret in the database. Only their ids are shown; the material never leaves its file.
admin-keys-commands = Keys are made and retired by commands: llavero key new, rotate and retire.
admin-ring-active = Active
admin-ring-active-text = Seals what is new, and opens what it sealed.
admin-ring-open = Opens only
admin-ring-open-text = Opens what it sealed. It can be retired when everything is sealed with the active key.
admin-ring-missing = Not in the ring
admin-ring-missing-text = The database was sealed with it, and this process does not have it. No process should start like this.
admin-ring-different = Another key
admin-ring-different-text = The ring has a key with this id that does not open what the database sealed with it.
