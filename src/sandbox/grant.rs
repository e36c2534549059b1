//! Tokens: issued, judged, renewed, retired. Renewal with a refresh token that was used before follows the platform's
//! grace; outside it the token is refused and, where the platform does so, the whole grant ends.

use chrono::{DateTime, TimeDelta, Utc};

use super::behaviour::Behaviour;
use super::jwt;
use super::settings::{Grace, Settings};
use super::template::{fill, fill_text};
use super::world::{AccessToken, Grant, RefreshToken, World};

/// What a token answer tells; seconds count from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub grant: u64,
    pub access: String,
    pub expires_in: Option<i64>,
    pub refresh: Option<String>,
    pub refresh_expires_in: Option<i64>,
}

/// How long a new pair lives; none = for ever.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    pub access: Option<u64>,
    pub refresh: Option<u64>,
    pub with_refresh: bool,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    Unknown,
    Expired,
    Used,
    Ended,
}

impl World {
    /// Records a consent, ending earlier ones of the same client and account if the platform does so.
    pub fn open_grant(&mut self, grant: Grant, replaces: bool) -> u64 {
        if replaces {
            let same = |other: &&mut Grant| {
                other.platform == grant.platform && other.client_id == grant.client_id && other.account == grant.account
            };
            for earlier in self.grants.values_mut().filter(same) {
                earlier.ended.get_or_insert("replaced by a new authorization");
            }
        }
        let number = self.next_grant();
        self.grants.insert(number, grant);
        number
    }

    /// Ends the oldest live grants of this client and account until at most `most` are left.
    pub fn keep_newest(&mut self, like: u64, most: usize) {
        let Some(grant) = self.grants.get(&like).cloned() else {
            return;
        };
        let same = |other: &Grant| {
            other.ended.is_none()
                && other.platform == grant.platform
                && other.client_id == grant.client_id
                && other.account == grant.account
        };
        let live: Vec<u64> = self
            .grants
            .iter()
            .filter(|(_, other)| same(other))
            .map(|(number, _)| *number)
            .collect();
        for number in live.iter().take(live.len().saturating_sub(most)) {
            if let Some(oldest) = self.grants.get_mut(number) {
                oldest.ended = Some("too many authorizations");
            }
        }
    }

    /// Makes a pair for a live grant.
    pub fn issue(&mut self, behaviour: &Behaviour, grant: u64, lives: Lives, now: DateTime<Utc>) -> Pair {
        let rules = behaviour.token.as_ref();
        let expires_at = after(now, lives.access);
        let access_format = rules.map_or("{random}", |token| token.access_format.as_str());
        let access = self.token_text(behaviour, access_format, grant, expires_at, now);
        self.access.insert(
            access.clone(),
            AccessToken {
                grant,
                expires_at,
                retired: false,
                used: false,
            },
        );
        let mut pair = Pair {
            grant,
            access,
            expires_in: seconds_left(expires_at, now),
            refresh: None,
            refresh_expires_in: None,
        };
        if lives.with_refresh {
            let opened_at = self.grants.get(&grant).map_or(now, |grant| grant.opened_at);
            let family_end = after(opened_at, rules.and_then(|token| token.family_seconds));
            let expires_at = match (after(now, lives.refresh), family_end) {
                (Some(own), Some(end)) => Some(own.min(end)),
                (own, end) => own.or(end),
            };
            let refresh_format = rules.map_or("{random}", |token| token.refresh_format.as_str());
            let refresh = self.token_text(behaviour, refresh_format, grant, expires_at, now);
            self.refresh
                .insert(refresh.clone(), RefreshToken::new(grant, expires_at));
            pair.refresh_expires_in = seconds_left(expires_at, now);
            pair.refresh = Some(refresh);
        }
        pair
    }

    fn token_text(
        &mut self,
        behaviour: &Behaviour,
        format: &str,
        grant: u64,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> String {
        let (account, client) = self
            .grants
            .get(&grant)
            .map(|grant| (grant.account.clone(), grant.client_id.clone()))
            .unwrap_or_default();
        let mut values = self.account_values(behaviour, &account);
        values.insert("random".to_owned(), self.random_hex(32).into());
        values.insert("random_more".to_owned(), self.random_hex(24).into());
        values.insert("client_id".to_owned(), client.into());
        values.insert("issued_at".to_owned(), now.timestamp().into());
        if let Some(at) = expires_at {
            values.insert("expires_at".to_owned(), at.timestamp().into());
        }
        if format.contains("{jwt}")
            && let Some(rules) = &behaviour.token
        {
            let token = jwt::own(&fill(&rules.claims, &values));
            values.insert("jwt".to_owned(), token.into());
        }
        fill_text(format, &values)
    }

    /// The live grant behind an access token of this platform.
    pub fn judge_access(&self, platform: &str, token: &str, now: DateTime<Utc>) -> Result<(u64, &Grant), TokenRefusal> {
        let known = self.access.get(token).ok_or(TokenRefusal::Unknown)?;
        let grant = self.grants.get(&known.grant).filter(|grant| grant.platform == platform);
        let grant = grant.ok_or(TokenRefusal::Unknown)?;
        if grant.ended.is_some() || known.retired {
            return Err(TokenRefusal::Ended);
        }
        if has_passed(known.expires_at, now) {
            return Err(TokenRefusal::Expired);
        }
        Ok((known.grant, grant))
    }

    /// A token that this client was given for this account and that still lives.
    pub fn unexpired(&self, platform: &str, client_id: &str, account: &str, now: DateTime<Utc>) -> Option<Pair> {
        self.access.iter().find_map(|(text, token)| {
            let (number, grant) = self.judge_access(platform, text, now).ok()?;
            (grant.client_id == client_id && grant.account == account).then(|| Pair {
                grant: number,
                access: text.clone(),
                expires_in: seconds_left(token.expires_at, now),
                refresh: None,
                refresh_expires_in: None,
            })
        })
    }

    /// Exchanges a refresh token. `lives` says what a new pair would be given.
    pub fn renew(
        &mut self,
        behaviour: &Behaviour,
        token: &str,
        settings: &Settings,
        mut lives: Lives,
        now: DateTime<Utc>,
    ) -> Result<Pair, TokenRefusal> {
        let known = self.refresh.get(token).cloned().ok_or(TokenRefusal::Unknown)?;
        let alive = self.grants.get(&known.grant).is_some_and(|grant| grant.ended.is_none());
        if !alive || known.retired {
            return Err(TokenRefusal::Ended);
        }
        if has_passed(known.expires_at, now) {
            return Err(TokenRefusal::Expired);
        }
        let grace = settings.grace.unwrap_or(behaviour.refresh.grace);
        let omits = settings.omit_refresh_token.unwrap_or(behaviour.refresh.omits_token);
        let keeps = omits || grace == Grace::NotRotating;
        if behaviour.refresh.keeps_deadline {
            lives.refresh = seconds_left(known.expires_at, now).map(|left| u64::try_from(left).unwrap_or(0));
        }
        if keeps && known.first_used_at.is_none() {
            return Ok(self.renew_access_alone(behaviour, token, &known, settings, lives, now));
        }
        if known.first_used_at.is_none() {
            if settings.retires_access.unwrap_or(behaviour.refresh.retires_access) {
                self.retire_access_of(known.grant);
            }
            let pair = self.issue(behaviour, known.grant, lives, now);
            self.note_use(token, &pair, now);
            return Ok(pair);
        }
        self.renew_again(behaviour, token, &known, grace, lives, now)
            .inspect_err(|_| {
                if settings.reuse_revokes.unwrap_or(behaviour.refresh.reuse_revokes)
                    && let Some(grant) = self.grants.get_mut(&known.grant)
                {
                    grant.ended.get_or_insert("a used refresh token was used again");
                }
            })
    }

    fn renew_access_alone(
        &mut self,
        behaviour: &Behaviour,
        token: &str,
        known: &RefreshToken,
        settings: &Settings,
        lives: Lives,
        now: DateTime<Utc>,
    ) -> Pair {
        if settings.retires_access.unwrap_or(behaviour.refresh.retires_access) {
            self.retire_access_of(known.grant);
        }
        let mut pair = self.issue(
            behaviour,
            known.grant,
            Lives {
                with_refresh: false,
                ..lives
            },
            now,
        );
        if !settings.omit_refresh_token.unwrap_or(behaviour.refresh.omits_token) {
            pair.refresh = Some(token.to_owned());
            pair.refresh_expires_in = seconds_left(known.expires_at, now);
        }
        pair
    }

    fn renew_again(
        &mut self,
        behaviour: &Behaviour,
        token: &str,
        known: &RefreshToken,
        grace: Grace,
        lives: Lives,
        now: DateTime<Utc>,
    ) -> Result<Pair, TokenRefusal> {
        let within = |seconds: u64| !has_passed(known.first_used_at.and_then(|first| after(first, Some(seconds))), now);
        match grace {
            Grace::SamePair { seconds } if within(seconds) => self.same_pair(known, None, now),
            Grace::AnotherPair { seconds } if within(seconds) => Ok(self.issue(behaviour, known.grant, lives, now)),
            Grace::UntilAccessUse => {
                let used = |access: &String| self.access.get(access).is_none_or(|token| token.used);
                if known.replacement.as_ref().is_none_or(|(access, _)| used(access)) {
                    return Err(TokenRefusal::Used);
                }
                self.replace_again(behaviour, token, known, lives, now)
            }
            Grace::Replaces { seconds } if within(seconds) => self.replace_again(behaviour, token, known, lives, now),
            Grace::UntilFirstUse { seconds } if within(seconds) => {
                let replacement = known
                    .replacement
                    .as_ref()
                    .and_then(|(_, refresh)| self.refresh.get(refresh));
                if replacement.is_none_or(|replacement| replacement.first_used_at.is_some()) {
                    return Err(TokenRefusal::Used);
                }
                self.same_pair(known, lives.access, now)
            }
            _ => Err(TokenRefusal::Used),
        }
    }

    /// A new pair in place of the one answered before.
    fn replace_again(
        &mut self,
        behaviour: &Behaviour,
        token: &str,
        known: &RefreshToken,
        lives: Lives,
        now: DateTime<Utc>,
    ) -> Result<Pair, TokenRefusal> {
        if let Some((access, refresh)) = &known.replacement {
            if let Some(access) = self.access.get_mut(access) {
                access.retired = true;
            }
            if let Some(refresh) = self.refresh.get_mut(refresh) {
                refresh.retired = true;
            }
        }
        let pair = self.issue(behaviour, known.grant, lives, now);
        self.note_use(token, &pair, now);
        Ok(pair)
    }

    /// The pair answered before; an access token that has expired lives `renewed` seconds more.
    fn same_pair(
        &mut self,
        known: &RefreshToken,
        renewed: Option<u64>,
        now: DateTime<Utc>,
    ) -> Result<Pair, TokenRefusal> {
        let (access, refresh) = known.replacement.clone().ok_or(TokenRefusal::Used)?;
        let access_token = self.access.get_mut(&access).ok_or(TokenRefusal::Used)?;
        if renewed.is_some() && has_passed(access_token.expires_at, now) {
            access_token.expires_at = after(now, renewed);
        }
        let expires_in = seconds_left(access_token.expires_at, now);
        let refresh_expires_at = self.refresh.get(&refresh).and_then(|token| token.expires_at);
        Ok(Pair {
            grant: known.grant,
            access,
            expires_in,
            refresh: Some(refresh),
            refresh_expires_in: seconds_left(refresh_expires_at, now),
        })
    }

    fn note_use(&mut self, token: &str, pair: &Pair, now: DateTime<Utc>) {
        if let Some(used) = self.refresh.get_mut(token) {
            used.first_used_at.get_or_insert(now);
            used.replacement = pair.refresh.clone().map(|refresh| (pair.access.clone(), refresh));
        }
    }

    fn retire_access_of(&mut self, grant: u64) {
        for token in self.access.values_mut().filter(|token| token.grant == grant) {
            token.retired = true;
        }
    }
}

pub fn after(now: DateTime<Utc>, seconds: Option<u64>) -> Option<DateTime<Utc>> {
    let delta = TimeDelta::try_seconds(i64::try_from(seconds?).unwrap_or(i64::MAX))?;
    now.checked_add_signed(delta)
}

pub fn has_passed(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    expires_at.is_some_and(|at| at <= now)
}

pub fn seconds_left(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<i64> {
    expires_at.map(|at| at.signed_duration_since(now).num_seconds())
}
