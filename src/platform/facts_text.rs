//! The facts in short English, for the commands and the documentation.

use super::facts::MethodFacts;

/// `10 s`, `15 min`, `6 h`, `180 days`: the largest unit that leaves no rest.
pub fn length(seconds: u64) -> String {
    const UNITS: [(u64, &str, &str); 3] = [(86_400, "day", "days"), (3600, "h", "h"), (60, "min", "min")];
    let unit = UNITS
        .iter()
        .find(|(unit, _, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match unit {
        Some((unit, one, _)) if seconds == *unit => format!("1 {one}"),
        Some((unit, _, many)) => format!("{} {many}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

fn life(seconds: Option<u64>, documented: bool) -> String {
    match seconds.map(length) {
        None => "no expiry".to_owned(),
        Some(life) if documented => life,
        Some(guess) => format!("not documented ({guess} assumed)"),
    }
}

impl MethodFacts {
    pub fn obtain_text(&self) -> &'static str {
        match self.obtain {
            "redirect" => "merchant approves at the platform",
            "ask" => "tokens are asked for with saved credentials",
            "delivered_keys" => "merchant approves, the store hands keys over",
            _ => "merchant enters keys",
        }
    }

    pub fn client_text(&self) -> &'static str {
        match self.client {
            "app" => "the partner's",
            "store" => "the store's own",
            _ => "none",
        }
    }

    pub fn identity_text(&self) -> &'static str {
        match self.identity {
            "platform" => "stated by the platform",
            _ => "typed",
        }
    }

    pub fn renewal_text(&self) -> &'static str {
        match self.renewal {
            "refresh_token" => "refresh token",
            "ask_again" => "asked for again",
            _ if self.lifetimes.access_seconds.is_some() => "none: the merchant authorizes again",
            _ => "not needed",
        }
    }

    pub fn access_text(&self) -> String {
        life(self.lifetimes.access_seconds, self.lifetimes.access_documented)
    }

    /// `None` where there is no refresh token.
    pub fn refresh_text(&self) -> Option<String> {
        self.refreshing.as_ref()?;
        let life = life(self.lifetimes.refresh_seconds, self.lifetimes.refresh_documented);
        Some(match self.lifetimes.refreshing_extends {
            true if self.lifetimes.refresh_seconds.is_some() => format!("{life} from each refresh"),
            _ => life,
        })
    }

    /// What a used refresh token does; `None` where there is none.
    pub fn grace_text(&self) -> Option<String> {
        let refreshing = self.refreshing.as_ref()?;
        let time = refreshing.grace_seconds.map(length).unwrap_or_default();
        Some(match refreshing.grace {
            "none" => "dead at once".to_owned(),
            "same_pair" => format!("gives the same pair for {time}"),
            "another_pair" => format!("gives another pair for {time}"),
            "replaces" => format!("gives another pair, which replaces the first, for {time}"),
            "until_first_use" => format!("works until its successor is used, at most {time}"),
            _ => "goes on: not rotated".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_exact() {
        for (seconds, text) in [
            (10, "10 s"),
            (90, "90 s"),
            (900, "15 min"),
            (3600, "1 h"),
            (21_600, "6 h"),
            (86_400, "1 day"),
            (15_552_000, "180 days"),
        ] {
            assert_eq!(length(seconds), text);
        }
    }
}
