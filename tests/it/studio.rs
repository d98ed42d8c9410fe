//! A studio for the tests of media: one project with one feedback, an editor, a viewer and a stranger, and a server on a
//! real socket.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use videoplanet::app::App;
use videoplanet::base::clock::Clock;
use videoplanet::base::event::Event;
use videoplanet::base::ids::{FeedbackId, ProjectId, SessionId, UserId};
use videoplanet::base::locale::Lang;
use videoplanet::base::roles::{Role, SiteRole};
use videoplanet::config::Config;
use videoplanet::domain::accounts::{self, NewUser, Viewer};
use videoplanet::domain::{feedback, projects};
use videoplanet::engines::hub::{self, Seat};
use videoplanet::engines::store::params;
use videoplanet::work;

use crate::clips::Dir;

/// The server and its people.
pub struct Studio {
    pub app: App,
    pub url: String,
    pub editor: Someone,
    pub viewer: Someone,
    pub stranger: Someone,
    pub project: ProjectId,
    pub feedback: FeedbackId,
    server: tokio::task::JoinHandle<()>,
    pub dir: Dir,
}

/// A person with a bearer token (or an empty one: nobody).
#[derive(Clone)]
pub struct Someone {
    pub id: UserId,
    pub token: String,
    url: String,
    client: Client,
}

impl Studio {
    pub async fn start(name: &str) -> Studio {
        Studio::with(name, |_| ()).await
    }

    /// With other settings.
    pub async fn with(name: &str, change: impl FnOnce(&mut Config)) -> Studio {
        Studio::opened(name, Clock::System, change).await
    }

    /// With a clock that the test sets; sessions outlast whatever it is set to.
    pub async fn at(name: &str, clock: Clock) -> Studio {
        Studio::opened(name, clock, |c| c.accounts.session_days = 3650).await
    }

    pub async fn opened(name: &str, clock: Clock, change: impl FnOnce(&mut Config)) -> Studio {
        let mut config = Config::default();
        // Many studios at once on one disk.
        config.cache.disk_mib = 64;
        // Encoding would be most of the tests' time; how well it is done is the recipes' story.
        config.media.proxy_preset = "ultrafast".into();
        // Alerts are looked at by the tests that are about them.
        config.alerts.look_s = 0;
        change(&mut config);
        let dir = Dir::new(name);
        let app = App::open(&dir.path().join("data"), config, clock).await.unwrap();
        let (url, server) = serve(&app).await;
        let mut people = Vec::new();
        for (nickname, site_role) in
            [("editor", SiteRole::Admin), ("viewer", SiteRole::Member), ("stranger", SiteRole::Member)]
        {
            let new = NewUser {
                email: format!("{nickname}@example.com"),
                nickname: nickname.into(),
                password: "correct horse battery".into(),
                locale: Lang::En,
            };
            let id = accounts::add(&app, new, site_role).await.unwrap();
            let token = accounts::sign_in(&app, id, None).await.unwrap().token;
            people.push(Someone { id, token, url: url.clone(), client: Client::new() });
        }
        let [editor, viewer, stranger] = people.try_into().unwrap_or_else(|_| unreachable!());
        let who = Viewer::of_token(&app, &editor.token).await.unwrap().unwrap();
        let new = serde_json::from_value(serde_json::json!({ "name": "가을 광고" })).unwrap();
        let project = projects::add(&app, &who, new).await.unwrap().id;
        let new = serde_json::from_value(serde_json::json!({ "user_id": viewer.id, "role": Role::Viewer })).unwrap();
        projects::members::add(&app, &who, project, new).await.unwrap();
        let new = serde_json::from_value(serde_json::json!({ "title": "1차 시사" })).unwrap();
        let feedback = feedback::add(&app, &who, project, new).await.unwrap().id;
        Studio { app, url, editor, viewer, stranger, project, feedback, server, dir }
    }

    /// Somebody with an account and nothing else.
    pub async fn person(&self, nickname: &str) -> Someone {
        let new = NewUser {
            email: format!("{nickname}@example.com"),
            nickname: nickname.into(),
            password: "correct horse battery".into(),
            locale: Lang::En,
        };
        let id = accounts::add(&self.app, new, SiteRole::Member).await.unwrap();
        let token = accounts::sign_in(&self.app, id, None).await.unwrap().token;
        Someone { id, token, url: self.url.clone(), client: Client::new() }
    }

    /// Somebody who is a member of the project.
    pub async fn member(&self, nickname: &str, role: Role) -> Someone {
        let someone = self.person(nickname).await;
        self.join(&someone, role).await;
        someone
    }

    /// Makes somebody a member.
    pub async fn join(&self, someone: &Someone, role: Role) {
        let who = Viewer::of_token(&self.app, &self.editor.token).await.unwrap().unwrap();
        let new = serde_json::from_value(serde_json::json!({ "user_id": someone.id, "role": role })).unwrap();
        projects::members::add(&self.app, &who, self.project, new).await.unwrap();
    }

    /// A seat of the viewer in the project's room, without a socket.
    pub fn seat(&self) -> Seat {
        let (nickname, address) = ("viewer".into(), [127, 0, 0, 1].into());
        let person = hub::Person { user: self.viewer.id, nickname, session: SessionId(0), address, team: false };
        self.app.hub.join(hub::Place::Project(self.project), person).unwrap()
    }

    /// Makes somebody an operator of the instance.
    pub async fn operate(&self, someone: &Someone) {
        let id = someone.id;
        let set = move |tx: &mut videoplanet::engines::store::Tx| {
            tx.execute("UPDATE users SET site_role = 'operator', rev = rev + 1 WHERE id = ?1", params![id])?;
            tx.emit(None, None, Event::SiteRoleChanged { user: id, role: SiteRole::Operator, was: None }, None)
        };
        self.app.store.write(set).await.unwrap();
    }

    /// Lets jobs run from now on.
    pub async fn work(&self) {
        work::start(&self.app).await.unwrap();
    }

    /// Waits until a version is ready or failed.
    pub async fn settled(&self, media: i64) -> Value {
        self.shown_when(media, |shown| shown["state"] == "ready" || shown["state"] == "failed").await
    }

    /// Waits until a version shows what is wanted.
    pub async fn shown_when(&self, media: i64, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut shown = Value::Null;
        // Only a bound for what never comes: a minute of 1080p takes long while other tests encode beside it.
        for _ in 0..3600 {
            shown = self.editor.get(&format!("/media/{media}")).await.json().await.unwrap();
            if wanted(&shown) {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never so: {shown}");
    }

    /// Uploads and processes; answers the settled version.
    pub async fn publish(&self, name: &str, bytes: &[u8]) -> Value {
        let media = self.editor.upload(self.feedback, name, bytes).await;
        self.settled(media).await
    }

    /// Puts nonsense where the bytes of a film are, until the answer is called.
    pub fn misplace(&self, film: &[u8]) -> impl FnOnce() + use<> {
        let key = blake3::hash(film).to_hex();
        let original = self.dir.path().join(format!("data/media/{}/{key}/original", &key[..2]));
        let aside = self.dir.path().join("aside");
        std::fs::rename(&original, &aside).unwrap();
        std::fs::write(&original, b"RIFFxxxxAVI nothing of a film").unwrap();
        move || std::fs::rename(&aside, &original).unwrap()
    }

    /// Lets the viewer comment from now on.
    pub async fn make_reviewer(&self) {
        let who = Viewer::of_token(&self.app, &self.editor.token).await.unwrap().unwrap();
        projects::members::change(&self.app, &who, self.project, self.viewer.id, Role::Reviewer).await.unwrap();
    }

    /// Takes the viewer out of the project.
    pub async fn drop_viewer(&self) {
        let who = Viewer::of_token(&self.app, &self.editor.token).await.unwrap().unwrap();
        projects::members::remove(&self.app, &who, self.project, self.viewer.id).await.unwrap();
    }

    pub async fn stop(self) {
        self.app.close().await;
        self.server.abort();
    }

    /// Stops the program in order; its data stay until the answer goes.
    pub async fn dark(self) -> Dir {
        let Studio { app, server, dir, .. } = self;
        app.close().await;
        server.abort();
        let _ = server.await;
        drop(app);
        // A last connection may hold the directory for a moment.
        while videoplanet::app::is_open(&dir.path().join("data")).unwrap() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        dir
    }

    /// Stops the program in order and starts it again on the same data, at another address.
    pub async fn restart(self) -> Studio {
        self.stopped(|| ()).await
    }

    /// The same, with something done to the data in between.
    pub async fn stopped(self, meanwhile: impl FnOnce()) -> Studio {
        let Studio { app, mut editor, mut viewer, mut stranger, project, feedback, server, dir, .. } = self;
        let (layers, clock) = (app.settings().layers.clone(), app.clock.clone());
        app.close().await;
        server.abort();
        let _ = server.await;
        drop(app);
        meanwhile();
        let mut opened = App::open(&dir.path().join("data"), layers.clone(), clock.clone()).await;
        // A last connection may hold the directory for a moment.
        for _ in 0..100 {
            if opened.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            opened = App::open(&dir.path().join("data"), layers.clone(), clock.clone()).await;
        }
        let app = opened.unwrap();
        let (url, server) = serve(&app).await;
        for someone in [&mut editor, &mut viewer, &mut stranger] {
            someone.url = url.clone();
        }
        Studio { app, url, editor, viewer, stranger, project, feedback, server, dir }
    }
}

/// Serves on a free port.
pub async fn serve(app: &App) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(videoplanet::server::http::serve(app.clone(), listener));
    (url, server)
}

impl Someone {
    /// Speaks to the program at its new address.
    pub fn moved_to(&mut self, url: &str) {
        self.url = url.to_owned();
    }

    /// A request to a path below `/api/v1`, or to a whole path.
    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let base = if path.starts_with("/api/") { "" } else { "/api/v1" };
        self.client.request(method, format!("{}{base}{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    /// A request of the upload protocol.
    pub fn tus(&self, method: Method, path: &str) -> RequestBuilder {
        self.ask(method, path).header("Tus-Resumable", "1.0.0")
    }

    /// A piece of an upload.
    pub fn piece(&self, location: &str, offset: usize, bytes: &[u8]) -> RequestBuilder {
        self.tus(Method::PATCH, location)
            .header("Upload-Offset", offset)
            .header("Content-Type", "application/offset+octet-stream")
            .body(bytes.to_vec())
    }

    pub fn begin(&self, feedback: FeedbackId, name: &str, size: usize) -> RequestBuilder {
        let metadata = format!(
            "filename {},feedback_id {},filetype {}",
            STANDARD.encode(name),
            STANDARD.encode(feedback.to_string()),
            STANDARD.encode("video/mp4")
        );
        self.tus(Method::POST, "/uploads").header("Upload-Length", size).header("Upload-Metadata", metadata)
    }

    /// Begins an upload; answers its location.
    pub async fn location(&self, feedback: FeedbackId, name: &str, size: usize) -> String {
        let response = self.begin(feedback, name, size).send().await.unwrap();
        assert_eq!(response.status(), 201);
        header(&response, "location")
    }

    /// Uploads in one piece; answers the version's id.
    pub async fn upload(&self, feedback: FeedbackId, name: &str, bytes: &[u8]) -> i64 {
        let location = self.location(feedback, name, bytes.len()).await;
        if bytes.is_empty() {
            let upload: Value = self.get(&location).await.json().await.unwrap();
            return upload["media_id"].as_i64().unwrap();
        }
        let response = self.piece(&location, 0, bytes).send().await.unwrap();
        assert_eq!(response.status(), 204);
        header(&response, "x-media-id").parse().unwrap()
    }
}

pub fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap().to_owned()
}
