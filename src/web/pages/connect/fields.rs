//! The form of one platform: what is asked, field by field, with where to find each value; other connect methods beside
//! it. A refused form keeps what was typed, never a secret. Submitting either leads to the platform or tries the keys.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::{app_plate, bind, browser, chooses, goes_on, href, platform, platform_plate, steps, to_done, visit};
use crate::app::App;
use crate::broker::connect::{self, Begun, Visit};
use crate::domain::connect::ConnectFailure;
use crate::domain::problem::Problem;
use crate::platform::descriptor::{ClientOwner, Confidence, Method};
use crate::platform::field::Takes;
use crate::platform::obtain::Obtain;
use crate::platform::{Field, FieldProblem, Platform, Values, obtain};
use crate::web::form::{Choice, Form, Input, Submitted};
use crate::web::page::{Page, see_other};
use crate::web::parts::{Plate, Step};
use crate::web::{Error, Frame, Site, urls};

#[derive(Template)]
#[template(path = "pages/connect/fields.html")]
struct Fields {
    page: Frame,
    steps: Vec<Step>,
    left: Plate,
    right: Plate,
    title: String,
    lead: String,
    choose: String,
    /// To be registered with the merchant's own client; empty where there is none.
    redirect_uri: String,
    note: String,
    /// Said of a platform whose documentation is not public.
    unconfirmed: String,
    action: String,
    method: String,
    form: Form,
    submit: String,
    others: Vec<Other>,
    back: String,
    cancel: String,
}

/// Another connect method of the platform.
struct Other {
    name: String,
    choose: String,
    href: String,
}

#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    method: String,
}

/// `GET /connect/{link}/with/{slug}`
pub async fn show(
    app: web::Data<App>,
    site: web::Data<Site>,
    mut frame: Frame,
    path: web::Path<(String, String)>,
    asked: web::Query<Asked>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let (link, slug) = path.into_inner();
    let visit = visit(&app, &mut frame, &link).await?;
    let platform = platform(&app, &visit, &slug)?;
    if !goes_on(&app, &visit) {
        return Ok(to_done(&frame, &visit.link));
    }
    let (method, usable) = choose(&app, &visit, platform, &asked.method).await?;
    let known = connect::prefilled(&app, &visit, method).await?;
    let mut form = Form::new(inputs(&frame, method, &known));
    if let Some(why) = visit
        .session
        .failure
        .filter(|_| visit.session.platform.as_deref() == Some(slug.as_str()))
    {
        explain(&frame, platform, why, &mut form);
    }
    let mut answer = page(frame, &visit, platform, method, &usable, form).with_status(StatusCode::OK)?;
    // Bound before it sends anything: a browser that breaks off while keys are tried still gets its code.
    if browser(&site, &request, visit.session.id).is_none() {
        add(
            &mut answer,
            bind(&site, &visit, &connect::browser_secret(&app), app.now()),
        )?;
    }
    Ok(answer)
}

/// `POST /connect/{link}/with/{slug}`
pub async fn submit(
    app: web::Data<App>,
    site: web::Data<Site>,
    mut frame: Frame,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    submitted: Submitted,
) -> Result<HttpResponse, Error> {
    let (link, slug) = path.into_inner();
    let visit = visit(&app, &mut frame, &link).await?;
    let platform = platform(&app, &visit, &slug)?;
    if !goes_on(&app, &visit) {
        return Ok(to_done(&frame, &visit.link));
    }
    let (method, usable) = choose(&app, &visit, platform, submitted.text("method")).await?;
    let given: Values = method
        .fields
        .iter()
        .map(|field| (field.name.clone(), submitted.secret(&field.name)))
        .collect();
    let known = browser(&site, &request, visit.session.id);
    let begun = match connect::begin(&app, &visit, platform, method, &given, known).await {
        Err(crate::broker::Error::LinkExpired) => return Ok(to_done(&frame, &visit.link)),
        begun => begun?,
    };
    let mut form = Form::new(inputs(&frame, method, &Values::new())).filled(&submitted);
    match begun {
        Begun::Leave { to, browser } => {
            let mut answer = see_other(to.as_str());
            add(&mut answer, bind(&site, &visit, &browser, app.now()))?;
            return Ok(answer);
        }
        Begun::Settled { browser } => {
            let mut answer = to_done(&frame, &visit.link);
            add(&mut answer, bind(&site, &visit, &browser, app.now()))?;
            return Ok(answer);
        }
        Begun::Fields(wrong) => {
            let has_example = |name: &str| {
                let field = method.fields.iter().find(|field| field.name == name);
                field.is_some_and(|field| !field.example.is_empty())
            };
            for (name, problem) in wrong {
                let key = match problem {
                    FieldProblem::Missing => "form-missing",
                    FieldProblem::Pattern if has_example(&name) => "connect-field-pattern",
                    FieldProblem::Pattern => "connect-field-copy",
                };
                form.refuse(&name, frame.say(key));
            }
        }
        Begun::Refused(refused) => match &refused.field {
            Some(field) => form.refuse(field, frame.say("connect-field-address")),
            None => explain(&frame, platform, refused.why, &mut form),
        },
    }
    page(frame, &visit, platform, method, &usable, form).with_status(StatusCode::UNPROCESSABLE_ENTITY)
}

fn add(answer: &mut HttpResponse, cookie: actix_web::cookie::Cookie<'_>) -> Result<(), Error> {
    answer
        .add_cookie(&cookie)
        .map_err(|error| Error::of(Problem::Internal).caused_by(error.to_string()))
}

/// In the reader's language; the platform's own words are for the partner.
fn explain(frame: &Frame, platform: &Platform, why: ConnectFailure, form: &mut Form) {
    let key = why.as_str().replace('_', "-");
    let part = |part: &str| {
        frame.say_with(
            &format!("connect-failed-{key}-{part}"),
            [("platform", platform.name.as_str())],
        )
    };
    (form.title, form.message) = (part("title"), part("text"));
}

/// The method asked for, else what the session began with or the store has, else the first; with all that can be used.
async fn choose<'a>(
    app: &App,
    visit: &Visit,
    platform: &'a Platform,
    asked: &str,
) -> Result<(&'a Method, Vec<&'a Method>), Error> {
    let ids = connect::methods(app, visit, platform).await?;
    let usable: Vec<&Method> = platform
        .methods
        .iter()
        .filter(|method| ids.contains(&method.id))
        .collect();
    let begun = visit
        .session
        .method
        .as_deref()
        .filter(|_| visit.session.platform.as_deref() == Some(&platform.slug));
    let wanted = if asked.is_empty() {
        begun.unwrap_or_default()
    } else {
        asked
    };
    let found = usable
        .iter()
        .find(|method| method.id == wanted)
        .or(usable.first())
        .copied();
    let method = found.unwrap_or_else(|| platform.default_method());
    Ok((method, usable))
}

fn inputs(frame: &Frame, method: &Method, known: &Values) -> Vec<Input> {
    method.fields.iter().map(|field| input(frame, field, known)).collect()
}

fn input(frame: &Frame, field: &Field, known: &Values) -> Input {
    let language = frame.language;
    let label = field.label.in_(language);
    let mut input = if field.secret {
        Input::secret(&field.name, label)
    } else if field.choices.is_empty() {
        Input::code(&field.name, label)
    } else {
        let choice = |choice: &crate::platform::field::Choice| Choice {
            value: choice.value.clone(),
            label: choice.label.in_(language).to_owned(),
        };
        Input::select(&field.name, label, field.choices.iter().map(choice).collect())
    };
    if !field.secret {
        input = input.value(known.get(&field.name).or(field.default.as_deref()).unwrap_or_default());
    }
    // A list that has its choice made already cannot be left out.
    let is_chosen = input.is_select() && !input.value.is_empty();
    if !field.required && !is_chosen {
        input = input.optional();
    }
    // A list shows what can be meant; an example beside it would only repeat one of its entries.
    let example = if field.choices.is_empty() {
        field.example.as_str()
    } else {
        ""
    };
    input
        .help(field.help.in_(language))
        .example(example)
        .inputmode(keyboard(field))
}

/// What a telephone should offer for typing it. Digits only where nothing else is taken.
fn keyboard(field: &Field) -> &'static str {
    let others = |letter: char| letter.is_alphabetic() || matches!(letter, '.' | '\\');
    match field.takes {
        Takes::Host | Takes::Url => "url",
        _ if field.example.contains('@') => "email",
        _ if field.pattern.is_match("12345") && !field.pattern.as_str().contains(others) => "numeric",
        _ => "",
    }
}

/// The redirect URI, where the merchant is the one who registers it.
fn to_register(frame: &Frame, platform: &Platform, method: &Method) -> String {
    if method.client == ClientOwner::Store && matches!(method.obtain, Obtain::Code(_)) {
        crate::platform::redirect_uri(frame.public_url(), &platform.slug)
    } else {
        String::new()
    }
}

fn page(
    frame: Frame,
    visit: &Visit,
    platform: &Platform,
    method: &Method,
    usable: &[&Method],
    form: Form,
) -> Page<Fields> {
    let language = frame.language;
    let (link, slug) = (visit.link.expose(), platform.slug.as_str());
    let action = urls::connect_platform(link, slug);
    let names = [
        ("platform", platform.name.as_str()),
        ("app", visit.api_app.name.as_str()),
    ];
    let leaves = obtain::is_approved_there(method) || obtain::is_delivered(method);
    let again = visit.session.store_id.is_some();
    let others = usable.iter().filter(|other| other.id != method.id).map(|other| Other {
        name: other.name.in_(language).to_owned(),
        choose: other.choose.in_(language).to_owned(),
        href: href(&frame, &action, &[("method", &other.id)]),
    });
    let back = if chooses(visit) {
        href(&frame, &urls::connect(link), &[])
    } else {
        String::new()
    };
    Page(Fields {
        steps: steps(&frame, chooses(visit), 1),
        left: app_plate(visit),
        right: platform_plate(platform),
        title: frame.say_with(if again { "connect-again-title" } else { "connect-title" }, names),
        lead: frame.say_with(if again { "connect-again-lead" } else { "connect-lead" }, names),
        choose: method.choose.in_(language).to_owned(),
        redirect_uri: to_register(&frame, platform, method),
        note: frame.say_with(
            if leaves {
                "connect-note-leave"
            } else {
                "connect-note-keys"
            },
            names,
        ),
        unconfirmed: match method.confidence.unwrap_or(platform.confidence) {
            Confidence::Undocumented => frame.say_with("connect-note-unconfirmed", names),
            Confidence::Documented | Confidence::Recalled => String::new(),
        },
        action: href(&frame, &action, &[]),
        method: method.id.clone(),
        form,
        submit: frame.say_with(
            if leaves {
                "connect-submit-leave"
            } else {
                "connect-submit-keys"
            },
            names,
        ),
        others: others.collect(),
        back,
        cancel: href(&frame, &urls::connect_cancel(link), &[]),
        page: frame,
    })
}
