//! `llavero import --csv` and `--nango`: stores whose keys or tokens the partner holds, connected one after the other as
//! `POST /v1/stores` does it. Results go to a CSV of their own, which is also what an interrupted run goes on from: a
//! line is noted with its time before it is tried, so that a store whose token was made since, and that nobody was told,
//! gets another one. A token that is older is somebody's.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use llavero::app::App;
use llavero::broker::connect::{BroughtTokens, DirectStore, connect_directly};
use llavero::broker::{self, access_token, stores};
use llavero::config::Config;
use llavero::db;
use llavero::domain::id::AppId;
use llavero::domain::secret::Secret;
use llavero::platform::{Catalogue, Values};

use super::people::{told, with_tools};
use super::stores::asker;
use super::{Stop, nango, say};

const HEAD: [&str; 7] = [
    "line",
    "customer_id",
    "platform",
    "outcome",
    "store_id",
    "access_token",
    "reason",
];
/// Columns that a file may have beside those of fields and tokens.
const OWN: [&str; 5] = ["platform", "method", "customer_id", "name", "merchant_email"];

/// What one line asks for; `Err`: why it cannot be tried.
pub(super) struct Asked {
    pub number: u64,
    pub customer_id: String,
    pub platform: String,
    pub store: Result<DirectStore, String>,
    pub name: Option<String>,
    pub merchant_email: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Csv,
    Nango,
}

pub fn run(config: Config, of: AppId, file: &Path, source: Source, results: Option<&Path>) -> Result<(), Stop> {
    let path = results.map_or_else(|| beside(file), Path::to_owned);
    with_tools(config, async |app| {
        let found = app
            .db
            .run(move |conn| db::apps::find(conn, of))
            .await
            .map_err(|error: db::Error| told(error.into()))?;
        let owner = found.ok_or_else(|| Stop::line(format!("no app {of}")))?;
        let asked = match source {
            Source::Csv => read_csv(file, of, &app.catalogue, app.now()),
            Source::Nango => nango::read(file, of, &app.catalogue),
        };
        let asked = asked.map_err(|why| Stop::line(format!("{}: {why}", file.display())))?;
        let mut results = Results::open(&path)?;
        let (mut connected, mut again, mut refused, mut before) = (0, 0, 0, 0);
        for line in asked {
            let last = results.last(&line)?;
            if matches!(&last, Some(Last { outcome, .. }) if outcome == "connected" || outcome == "reauthorized") {
                before += 1;
                continue;
            }
            let key = line.key();
            let named = db::stores::Patch {
                name: line.name,
                merchant_email: line.merchant_email.map(Some),
                ..db::stores::Patch::default()
            };
            // Before a store is made: afterwards the line would count as done, without them.
            let good = stores::check(&named);
            let good = good.map_err(|error| told(error).lines.join("; ").replace("merchant.email", "merchant_email"));
            let done = match line.store.and_then(|store| good.map(|()| store)) {
                Err(why) => Err(why),
                Ok(store) => {
                    let cut_off = last.and_then(|last| last.since);
                    let since = cut_off.unwrap_or_else(|| app.now());
                    let noted = since.to_rfc3339_opts(SecondsFormat::Micros, true);
                    results.note(&key, TRYING, "", None, &noted)?;
                    one(&app, &owner, store, named, cut_off).await?
                }
            };
            match done {
                Ok(Made {
                    id,
                    token: Some(token),
                    lacks,
                }) => {
                    connected += 1;
                    results.note(&key, "connected", &id, Some(&token), &lacks)?;
                }
                Ok(Made { id, token: None, lacks }) => {
                    again += 1;
                    let why = ["its token goes on working", &lacks].map(str::trim).join(" ");
                    results.note(&key, "reauthorized", &id, None, why.trim())?;
                }
                Err(why) => {
                    refused += 1;
                    results.note(&key, "refused", "", None, &why)?;
                }
            }
        }
        say(&format!(
            "{connected} stores connected, {again} authorized again, {before} were done before: {}",
            path.display()
        ));
        match refused {
            0 => Ok(()),
            refused => Err(Stop::line(format!("{refused} lines were refused; the results say why"))),
        }
    })
}

/// What became of a line.
struct Made {
    id: String,
    token: Option<Secret>,
    /// What could not be said of the store, and why.
    lacks: String,
}

/// Connects one store: its id, and its token if it has a new one. `cut_off`: when an earlier run began to, that did not
/// come to tell what came of it. `Err` inside: a refusal of this line alone.
async fn one(
    app: &Arc<App>,
    owner: &db::apps::App,
    store: DirectStore,
    named: db::stores::Patch,
    cut_off: Option<DateTime<Utc>>,
) -> Result<Result<Made, String>, Stop> {
    let by = asker();
    let given = match connect_directly(app, owner, &by, store).await {
        Ok(connected) => connected.first,
        // Every further line would meet the same.
        Err(error @ broker::Error::Db(db::Error::Unavailable(_))) => return Err(told(error)),
        Err(error) => return Ok(Err(told(error).lines.join("; "))),
    };
    let id = given.listed.store.id;
    let mut token = given.access_token;
    if let (None, Some(since)) = (&token, cut_off) {
        let tokens = app.db.run(move |conn| db::access_tokens::list(conn, id)).await;
        let tokens = tokens.map_err(|error: db::Error| told(error.into()))?;
        let mut living = tokens.iter().filter(|token| token.revoked_at.is_none());
        // Made by the run that was cut off, and told to nobody.
        if living.all(|token| token.created_at >= since) {
            let rotated = access_token::rotate(app, &by, id, Duration::ZERO).await.map_err(told)?;
            token = Some(rotated.secret);
        }
    }
    let mut lacks = String::new();
    if named.name.is_some() || named.merchant_email.is_some() {
        match stores::patch(app, &by, owner.id, id, named).await {
            Ok(_) => {}
            // The line is not done, and the next run finds the store connected.
            Err(error @ broker::Error::Db(_)) => return Err(told(error)),
            Err(error) => lacks = format!("without its name or address: {}", told(error).lines.join("; ")),
        }
    }
    let id = id.to_string();
    Ok(Ok(Made { id, token, lacks }))
}

type Key = [String; 3];

impl Asked {
    fn key(&self) -> Key {
        [self.number.to_string(), self.customer_id.clone(), self.platform.clone()]
    }
}

/// A line is being tried; the reason says since when.
const TRYING: &str = "trying";

/// What is known of a line.
#[derive(Clone, Default)]
struct Last {
    customer: String,
    platform: String,
    outcome: String,
    /// When a run that was cut off began to try it.
    since: Option<DateTime<Utc>>,
    /// That run was not the last one: what the last one says of it does not clear it up.
    again: bool,
}

impl Last {
    fn then(self, row: &csv::StringRecord) -> Self {
        let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
        let (outcome, was_trying) = (cell(3), self.outcome == TRYING);
        let (since, again) = match &*outcome {
            TRYING if self.since.is_some() => (self.since, was_trying || self.again),
            TRYING => (cell(6).parse().ok(), false),
            "refused" if self.again => (self.since, true),
            _ => (None, false),
        };
        Self {
            customer: cell(1),
            platform: cell(2),
            outcome,
            since,
            again,
        }
    }
}

/// The results so far, and where further ones go.
struct Results {
    known: HashMap<String, Last>,
    file: File,
    path: PathBuf,
}

impl Results {
    fn open(path: &Path) -> Result<Self, Stop> {
        let failed = |error: std::io::Error| Stop::line(format!("{}: {error}", path.display()));
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        // A line that was cut off tells nothing; what comes next must not be glued to it.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(u64::try_from(whole).unwrap_or(0)).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        text.truncate(whole);
        let mut known = HashMap::new();
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        for row in reader.records() {
            let row = row.map_err(|error| Stop::line(format!("{}: {error}", path.display())))?;
            let line = row.get(0).unwrap_or_default().to_owned();
            let before: Last = known.remove(&line).unwrap_or_default();
            known.insert(line, before.then(&row));
        }
        let mut made = Self {
            known,
            file,
            path: path.to_owned(),
        };
        if whole == 0 {
            made.write(&HEAD)?;
        }
        Ok(made)
    }

    /// What was last noted of a line.
    fn last(&self, asked: &Asked) -> Result<Option<Last>, Stop> {
        let Some(last) = self.known.get(&asked.number.to_string()) else {
            return Ok(None);
        };
        if last.customer != asked.customer_id || last.platform != asked.platform {
            return Err(Stop::line(format!(
                "{} holds the results of another file (line {}); name another one with --results",
                self.path.display(),
                asked.number
            )));
        }
        Ok(Some(last.clone()))
    }

    fn note(&mut self, key: &Key, outcome: &str, id: &str, token: Option<&Secret>, why: &str) -> Result<(), Stop> {
        let [line, customer, platform] = key;
        let token = token.map(Secret::expose).unwrap_or_default();
        self.write(&[line, customer, platform, outcome, id, token, why])
    }

    fn write(&mut self, cells: &[&str]) -> Result<(), Stop> {
        let failed = |error: String| Stop::line(format!("{}: {error}", self.path.display()));
        let mut line = csv::Writer::from_writer(Vec::new());
        line.write_record(cells).map_err(|error| failed(error.to_string()))?;
        let line = line.into_inner().map_err(|error| failed(error.to_string()))?;
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .map_err(|error| failed(error.to_string()))
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".results.csv");
    PathBuf::from(name)
}

fn read_csv(file: &Path, of: AppId, catalogue: &Catalogue, now: DateTime<Utc>) -> Result<Vec<Asked>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(file)
        .map_err(|error| error.to_string())?;
    let head = reader.headers().map_err(|error| error.to_string())?.clone();
    for needed in ["platform", "customer_id"] {
        if head.iter().all(|column| column != needed) {
            return Err(format!("there is no column {needed}"));
        }
    }
    let mut asked = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        let number = row.position().map_or(0, csv::Position::line);
        let cells: HashMap<&str, &str> = head
            .iter()
            .zip(row.iter())
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let cell = |name: &str| cells.get(name).map(|cell| (*cell).to_owned());
        let fields = cells.iter().filter(|(name, _)| !OWN.contains(*name));
        let fields = fields.map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        let platform = cell("platform").unwrap_or_default();
        let customer_id = cell("customer_id").unwrap_or_default();
        asked.push(Asked {
            number,
            store: wanted(
                of,
                catalogue,
                &platform,
                cell("method"),
                &customer_id,
                fields.collect(),
                now,
            ),
            platform,
            customer_id,
            name: cell("name"),
            merchant_email: cell("merchant_email"),
        });
    }
    Ok(asked)
}

/// Fields as they are; what no field of the method is called, and a token is, belongs to the tokens.
pub(super) fn wanted(
    of: AppId,
    catalogue: &Catalogue,
    platform: &str,
    method: Option<String>,
    customer_id: &str,
    mut given: HashMap<String, Secret>,
    now: DateTime<Utc>,
) -> Result<DirectStore, String> {
    let known = catalogue
        .platform_for(of, platform)
        .ok_or_else(|| format!("platform: {platform:?} is not one of ours"))?;
    let found = match &method {
        Some(id) => known
            .method(id)
            .ok_or_else(|| format!("method: {id:?} is not a connect method of {platform}"))?,
        None => known.default_method(),
    };
    let is_field = |name: &str| found.fields.iter().any(|field| field.name == name);
    let mut token = |name: &str| if is_field(name) { None } else { given.remove(name) };
    let access_token = token("access_token");
    let refresh_token = token("refresh_token");
    let mut seconds = |name: &str| {
        let text = token(name);
        let read = text.map(|text| text.expose().parse().map(Duration::from_secs));
        read.transpose().map_err(|_| format!("{name}: whole seconds"))
    };
    let (expires_in, refresh_expires_in) = (seconds("expires_in")?, seconds("refresh_expires_in")?);
    let scopes = token("scopes").map(|scopes| scopes.expose().split_whitespace().map(str::to_owned).collect());
    let tokens = access_token.map(|access_token| BroughtTokens {
        access_token,
        refresh_token,
        expires_in,
        refresh_expires_in,
        scopes,
        as_of: Some(now),
    });
    let fields: Values = given.into_iter().collect();
    Ok(DirectStore {
        platform: platform.to_owned(),
        method,
        customer_id: customer_id.to_owned(),
        fields,
        tokens,
        transfer: false,
        shops: Vec::new(),
    })
}
