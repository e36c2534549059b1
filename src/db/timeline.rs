//! Jobs of one credential, for the timeline of a store. Waiting ones are found by their unique key, the others among the
//! few that run or have failed.

use diesel::prelude::*;

use super::jobs::JobRow;
use super::schema::jobs;
use super::{Conn, Result};
use crate::domain::id::CredentialId;
use crate::domain::job::{Job, JobStatus};

/// Jobs about a credential that wait, run or have failed, newest first.
pub fn jobs_of_credential(conn: &mut Conn, credential: CredentialId) -> Result<Vec<JobRow>> {
    let keys = Job::all_of(credential).map(|job| job.unique_key());
    let mut found: Vec<JobRow> = jobs::table
        .filter(jobs::unique_key.eq_any(&keys))
        .filter(jobs::status.eq(JobStatus::Ready))
        .select(JobRow::as_select())
        .load(conn)?;
    let others: Vec<JobRow> = jobs::table
        .filter(jobs::unique_key.eq_any(&keys))
        .filter(jobs::status.eq_any([JobStatus::Running, JobStatus::Failed]))
        .order(jobs::id.desc())
        .limit(20)
        .select(JobRow::as_select())
        .load(conn)?;
    found.extend(others);
    found.sort_by_key(|job| std::cmp::Reverse(job.id));
    Ok(found)
}
