//! The protocol's decisions, as tables. Seconds count from a lease taken at 0 that ends at 45; the access token ends at
//! 1000 unless a row says otherwise.

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn free() -> Lease {
    Lease {
        grant_no: 1,
        saved_attempt: 0,
        next_attempt: 1,
        held: None,
        in_doubt: false,
        doubt_sent_at: None,
        unsettled_at: None,
        asks_spare: false,
        access_expires_at: Some(at(1000)),
    }
}

fn held(settled: bool) -> Lease {
    Lease {
        next_attempt: 2,
        held: Some(Held {
            attempt: 1,
            since: at(0),
            until: at(45),
            saved_attempt: Some(0),
            settled,
        }),
        ..free()
    }
}

fn terms(reuse: Reuse) -> Terms {
    Terms {
        reuse,
        call_limit: Duration::from_secs(30),
        journal_wait: Duration::from_secs(900),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

fn decide(lease: &Lease, reuse: Reuse, now: i64) -> Claim {
    claim(lease, &terms(reuse), at(now), Some(at(-1000)), false)
}

fn allowed(claim: Claim) -> bool {
    matches!(claim, Claim::Now(_))
}

#[test]
fn a_free_lease_without_doubt_is_claimed_at_once() {
    for reuse in [
        Reuse::Never,
        Reuse::Within(HOUR),
        Reuse::UntilFirstUse(HOUR),
        Reuse::Always,
    ] {
        let Claim::Now(grounds) = decide(&free(), reuse, 10) else {
            panic!("{reuse:?}")
        };
        assert_eq!(
            grounds,
            Grounds {
                doubt: false,
                unsettled: false,
                send_before: None
            }
        );
    }
}

#[test]
fn an_uncleared_lease_is_taken_over_only_after_the_wait_and_by_what_the_platform_forgives() {
    for (reuse, settled, now, wanted) in [
        // Nobody, while it runs or within 60 s of its end.
        (Reuse::Always, true, 44, false),
        (Reuse::Always, true, 104, false),
        (Reuse::Always, false, 105, true),
        // A grace that ends by time does not wait for the owner to settle.
        (Reuse::Within(HOUR), false, 105, true),
        (Reuse::Replacing(HOUR), false, 105, true),
        // Settled, and every pair works: nobody need wait for what may still travel.
        (Reuse::Within(HOUR), true, 1, true),
        (Reuse::Within(HOUR), false, 104, false),
        (Reuse::Within(Duration::from_secs(60)), true, 29, true),
        (Reuse::Within(Duration::from_secs(60)), true, 30, false),
        (Reuse::Replacing(HOUR), true, 104, false),
        (Reuse::UntilFirstUse(HOUR), true, 104, false),
        // Too short a grace is none.
        (Reuse::Within(Duration::from_secs(130)), true, 105, false),
        (Reuse::Within(Duration::from_secs(130)), true, 1000, true),
        // Until first use: settled, but the access token need not have expired.
        (Reuse::UntilFirstUse(HOUR), false, 105, false),
        (Reuse::UntilFirstUse(HOUR), true, 105, true),
        (Reuse::UntilFirstUse(HOUR), false, 945, true),
        // No grace: settled or waited for long, and the access token used up.
        (Reuse::Never, true, 105, false),
        (Reuse::Never, false, 999, false),
        (Reuse::Never, true, 1000, true),
        (Reuse::Never, false, 1000, true),
    ] {
        assert_eq!(
            allowed(decide(&held(settled), reuse, now)),
            wanted,
            "{reuse:?} settled {settled} at {now}"
        );
    }
}

#[test]
fn another_pair_than_the_one_that_may_still_travel_waits_for_it() {
    let saved_meanwhile = Lease {
        saved_attempt: 1,
        ..held(true)
    };
    let asks_spare = Lease {
        asks_spare: true,
        ..held(true)
    };
    let spare_travels = Lease {
        held: held(true).held.map(|held| Held {
            saved_attempt: None,
            ..held
        }),
        ..held(true)
    };
    for lease in [saved_meanwhile, asks_spare, spare_travels] {
        assert!(!allowed(decide(&lease, Reuse::Within(HOUR), 104)), "{lease:?}");
        assert!(allowed(decide(&lease, Reuse::Within(HOUR), 105)), "{lease:?}");
    }
}

#[test]
fn the_wait_counts_only_while_the_database_is_reached() {
    let terms = terms(Reuse::Always);
    let ask = |now, reaching: Option<i64>| allowed(claim(&held(true), &terms, at(now), reaching.map(at), false));
    assert!(!ask(500, None));
    assert!(!ask(500, Some(460)));
    assert!(ask(520, Some(460)));
}

#[test]
fn a_takeover_sets_the_doubt_and_notes_whether_the_owner_had_settled() {
    for (settled, unsettled) in [(false, true), (true, false)] {
        let Claim::Now(grounds) = decide(&held(settled), Reuse::Within(HOUR), 200) else {
            panic!()
        };
        assert_eq!(
            grounds,
            Grounds {
                doubt: true,
                unsettled,
                send_before: Some(at(3570))
            }
        );
    }
}

#[test]
fn after_a_grace_an_unsettled_takeover_waits_long() {
    let lease = Lease {
        in_doubt: true,
        doubt_sent_at: Some(at(0)),
        unsettled_at: Some(at(200)),
        access_expires_at: Some(at(0)),
        ..free()
    };
    let short = Reuse::Within(Duration::from_secs(300));
    assert!(allowed(decide(&lease, short, 269)));
    assert!(!allowed(decide(&lease, short, 270)));
    assert!(!allowed(decide(&lease, short, 1099)));
    assert!(allowed(decide(&lease, short, 1100)));
}

#[test]
fn without_grace_a_doubtful_token_is_tried_once_the_access_token_is_used_up() {
    let lease = Lease {
        in_doubt: true,
        ..free()
    };
    assert!(!allowed(decide(&lease, Reuse::Never, 999)));
    assert!(allowed(decide(&lease, Reuse::Never, 1000)));
    assert!(allowed(claim(&lease, &terms(Reuse::Never), at(10), Some(at(0)), true)));
    let endless = Lease {
        access_expires_at: None,
        ..lease
    };
    assert_eq!(
        decide(&endless, Reuse::Never, 9_999),
        Claim::NotBefore { at: None, busy: false }
    );
}

#[test]
fn the_owner_asks_again_at_once_only_within_a_grace_that_drops_nothing() {
    for (reuse, now, wanted) in [
        (Reuse::Within(HOUR), 30, true),
        (Reuse::Within(HOUR), 3570, false),
        (Reuse::Replacing(HOUR), 30, false),
        (Reuse::UntilFirstUse(HOUR), 30, false),
        (Reuse::Never, 30, false),
        (Reuse::Always, 30, false),
    ] {
        assert_eq!(
            claim_again(&held(false), &terms(reuse), 1, true, at(now)).is_some(),
            wanted,
            "{reuse:?} at {now}"
        );
    }
    assert_eq!(
        claim_again(&held(false), &terms(Reuse::Within(HOUR)), 2, true, at(30)),
        None,
        "somebody else's lease"
    );
}

#[test]
fn an_answer_is_saved_unless_a_newer_one_or_another_grant_is() {
    let busy = held(false);
    let clean = Save::Write {
        spare_saved: false,
        ends_doubt: true,
        clears_lease: true,
    };
    assert_eq!(save(&busy, 1, 1, false, true), clean);
    assert_eq!(save(&busy, 2, 1, false, true), Save::Nothing);
    let newer = Lease {
        saved_attempt: 2,
        next_attempt: 3,
        held: None,
        ..free()
    };
    assert_eq!(save(&newer, 1, 1, false, true), Save::Spare { clears_lease: false });
    assert_eq!(save(&newer, 1, 1, true, true), Save::Nothing);
    assert_eq!(save(&newer, 1, 2, false, true), Save::Nothing, "the same answer twice");
}

#[test]
fn a_late_answer_is_saved_and_the_pair_it_replaces_in_doubt_is_kept() {
    let taken_over = Lease {
        next_attempt: 3,
        in_doubt: true,
        ..held(false)
    };
    let late = Save::Write {
        spare_saved: true,
        ends_doubt: true,
        clears_lease: true,
    };
    assert_eq!(save(&taken_over, 1, 1, false, true), late);
    let other_holds = Lease {
        held: Some(Held {
            attempt: 2,
            ..held(false).held.unwrap()
        }),
        ..taken_over
    };
    let late = Save::Write {
        spare_saved: true,
        ends_doubt: true,
        clears_lease: false,
    };
    assert_eq!(save(&other_holds, 1, 1, false, true), late);
}

#[test]
fn the_same_token_saved_for_an_earlier_attempt_leaves_the_doubt() {
    let lease = Lease {
        next_attempt: 3,
        in_doubt: true,
        ..held(false)
    };
    assert_eq!(
        save(&lease, 1, 1, true, true),
        Save::Write {
            spare_saved: false,
            ends_doubt: false,
            clears_lease: true
        }
    );
    assert_eq!(
        save(&lease, 1, 2, true, true),
        Save::Write {
            spare_saved: false,
            ends_doubt: true,
            clears_lease: false
        }
    );
}

#[test]
fn a_refusal_is_believed_only_of_the_last_pair_by_the_last_attempt() {
    let seen = Generation {
        grant_no: 1,
        attempt: 0,
    };
    let lease = held(false);
    assert_eq!(refusal(&lease, seen, 1, false), Refusal::Dead);
    assert_eq!(refusal(&lease, seen, 1, true), Refusal::TryNext { doubt: true });
    assert_eq!(
        refusal(
            &Lease {
                next_attempt: 3,
                ..lease
            },
            seen,
            1,
            false
        ),
        Refusal::Void
    );
    assert_eq!(
        refusal(
            &Lease {
                next_attempt: 3,
                ..lease
            },
            seen,
            1,
            true
        ),
        Refusal::TryNext { doubt: false }
    );
    assert_eq!(
        refusal(
            &Lease {
                saved_attempt: 1,
                ..lease
            },
            seen,
            1,
            false
        ),
        Refusal::Void
    );
    assert_eq!(refusal(&Lease { grant_no: 2, ..lease }, seen, 1, true), Refusal::Void);
}
