//! Claro Shop: public key, signature and the wall-clock time of Mexico City are segments of the path; the signature is a
//! plain SHA-256 over public key, time and private key and covers nothing else. The allowed skew is not public: ten
//! minutes here. There is no public documentation; four public clients agree on the scheme.

use chrono::{NaiveDateTime, TimeDelta};

use crate::sandbox::api::{Caller, Visit};
use crate::sandbox::call::Answer;
use crate::sandbox::oauth::Refusal;
use crate::sandbox::problem::Problem;
use crate::sandbox::signature::{hex, sha256};
use crate::sandbox::world::World;

const WINDOW_MINUTES: i64 = 10;
/// Mexico City has kept this offset all year since 2022.
const OFFSET_HOURS: i64 = -6;

pub fn authenticate(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Answer> {
    judge(world, visit).map_err(|(problem, detail)| visit.refuse(problem, &detail))
}

fn judge(world: &mut World, visit: &Visit<'_>) -> Result<Caller, Refusal> {
    let refused = |why: &str| (Problem::CredentialRefused, why.to_owned());
    let path = percent_encoding::percent_decode_str(&visit.call.path)
        .decode_utf8_lossy()
        .into_owned();
    let mut parts = path.trim_start_matches("/apicm/v1/").split('/');
    let (Some(public), Some(sent), Some(time)) = (parts.next(), parts.next(), parts.next()) else {
        return Err((Problem::CredentialMissing, "the keys are missing".to_owned()));
    };
    let key = world
        .live_registration(visit.behaviour, public, Some(public))
        .ok_or_else(|| refused("public key is unknown"))?;
    let fits = |secret: &String| hex(&sha256(format!("{public}{time}{secret}").as_bytes())) == sent;
    if !key.secrets.iter().any(fits) {
        return Err((Problem::SignatureRefused, "the signature does not match".to_owned()));
    }
    let stated = NaiveDateTime::parse_from_str(time, "%Y-%m-%dT%H:%M:%S");
    let stated = stated.map_err(|_| (Problem::TimeRefused, "the time cannot be read".to_owned()))?;
    let here = visit.clock(world, Some(public)).naive_utc() + TimeDelta::hours(OFFSET_HOURS);
    if here.signed_duration_since(stated).abs() > TimeDelta::minutes(WINDOW_MINUTES) {
        return Err((Problem::TimeRefused, "the time is too far off".to_owned()));
    }
    world.note_key(visit.behaviour, Some(public), public);
    Ok(Caller {
        account: public.to_owned(),
        grant: None,
        key: Some(public.to_owned()),
    })
}

/// The public key of the path.
pub fn subject(visit: &Visit<'_>) -> Option<String> {
    visit
        .call
        .path
        .strip_prefix("/apicm/v1/")?
        .split('/')
        .next()
        .map(str::to_owned)
}
