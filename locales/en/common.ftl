# Words around every page.
nav-skip = Skip to the content
nav-main = Main
nav-crumbs = Where you are
nav-pages = Pages
nav-first = First page
nav-next = Next page
nav-language = Language
steps-label = Steps
form-refused = Please check what you entered
form-optional = optional
form-example = For example
form-choose = Choose
form-cancel = Cancel
form-secret-again = Please enter it again.
form-missing = Please fill this in.
once-text = Copy it now: it is shown only once.
retry-after = { $seconds ->
    [one] Try again in { $seconds } second.
   *[other] Try again in { $seconds } seconds.
}
sandbox-merchant = Sandbox: a rehearsal with simulated platforms. No real store is connected.
sandbox-admin = This app is in sandbox mode: platforms are simulated.
merchant-foot = Llavero keeps your store's access encrypted. You can withdraw it at any time.
admin-overview = Overview
admin-stores = Stores
admin-apps = Apps
admin-platforms = Platforms
admin-jobs = Jobs
admin-notices = Notices
admin-audit = Audit
admin-admins = Admins
admin-keys = Keys
admin-sign-in = Sign in
admin-sign-out = Sign out
