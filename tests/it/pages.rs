//! The review pages as a browser without script sees them.

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use videoplanet::app::App;
use videoplanet::base::clock::Clock;
use videoplanet::config::Config;
use videoplanet::domain::accounts::Viewer;
use videoplanet::domain::projects;

use crate::clips::Dir;
use crate::studio::{self, Someone, Studio, header};

/// A browser that keeps no cookies and follows no redirect, so that both can be looked at.
fn browser() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

async fn open(studio: &Studio, who: Option<&Someone>, path: &str, lang: &str) -> Response {
    let mut request = browser().get(format!("{}{path}", studio.url)).header("accept-language", lang);
    if let Some(who) = who {
        request = request.header("cookie", format!("vp_session={}; vp_theme=dark", who.token));
    }
    request.send().await.unwrap()
}

async fn studio(name: &str) -> Studio {
    let studio = Studio::start(name).await;
    studio.app.setup.done();
    studio
}

/// What no page may have: inline code or style (the policy forbids them), or the key of a text that is not there.
fn assert_clean(path: &str, page: &str) {
    for bad in [" style=\"", " onclick=", "<style", "javascript:", ">page.", ">js.", "\"page."] {
        assert!(!page.contains(bad), "{path} has {bad}");
    }
    for script in page.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(" src=\"/static/") || tag.contains("application/json"), "{path}: <script{tag}>");
    }
}

#[tokio::test]
async fn an_empty_instance_leads_to_set_up_and_then_home() {
    let dir = Dir::new("pages-setup");
    let app = App::open(&dir.path().join("data"), Config::default(), Clock::System).await.unwrap();
    let (url, server) = studio::serve(&app).await;
    let client = browser();
    for path in ["/", "/login", "/projects/1", "/nowhere"] {
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(header(&answer, "location"), "/setup", "{path}");
    }
    let code = app.setup.code().unwrap();
    let form = |code: &str, password: &str| {
        let fields = [("code", code), ("nickname", "오세린"), ("email", "serin@example.com"), ("password", password)];
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        client
            .post(format!("{url}/setup"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept-language", "ko")
            .body(body)
    };
    let wrong = form("AAAA-AAAA-AAAA", "correct horse").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("class=\"problem\"") && page.contains("value=\"오세린\""), "what was typed stays: {page}");
    let short = form(&code, "short").send().await.unwrap();
    assert_eq!(short.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let right = form(&code, "correct horse").send().await.unwrap();
    assert_eq!((right.status(), header(&right, "location").as_str()), (StatusCode::SEE_OTHER, "/"));
    assert!(header(&right, "set-cookie").contains("HttpOnly"));
    let again = client.get(format!("{url}/setup")).send().await.unwrap();
    assert_eq!(header(&again, "location"), "/");
    app.close().await;
    server.abort();
}

#[tokio::test]
async fn every_page_is_drawn_in_both_languages() {
    let studio = studio("pages-all").await;
    let (project, feedback) = (studio.project, studio.feedback);
    let inside =
        ["/", "/projects", "/projects?deleted=true", "/projects?status=review&search=%EA%B0%80", "/me", "/search"]
            .map(str::to_owned);
    let of_project = [format!("/projects/{project}"), format!("/projects/{project}/webhooks")];
    let inside = inside.into_iter().chain(of_project).chain([format!("/feedbacks/{feedback}")]);
    for path in inside {
        let answer = open(&studio, Some(&studio.editor), &path, "ko").await;
        assert_eq!(answer.status(), 200, "{path}");
        assert!(header(&answer, "content-security-policy").contains("default-src 'self'"));
        assert_eq!(header(&answer, "cache-control"), "private, no-store");
        let page = answer.text().await.unwrap();
        // The editor's profile says English, whatever his browser says.
        assert!(page.contains("<html lang=\"en\" data-theme=\"dark\">"), "{path}");
        assert_clean(&path, &page);
    }
    for path in ["/login", "/signup", "/forgot", "/reset", "/invite/none", "/nowhere"] {
        for (asked, tag) in [("ko-KR", "lang=\"ko\""), ("en-US", "lang=\"en\"")] {
            let page = open(&studio, None, path, asked).await.text().await.unwrap();
            assert!(page.contains(tag), "{path}");
            assert_clean(path, &page);
        }
    }
    studio.stop().await;
}

#[tokio::test]
async fn the_search_is_on_every_page_and_explains_itself() {
    let studio = studio("pages-search").await;
    for path in ["/".to_owned(), "/projects".into(), "/me".into(), format!("/feedbacks/{}", studio.feedback)] {
        let page = open(&studio, Some(&studio.editor), &path, "en").await.text().await.unwrap();
        assert!(page.contains("action=\"/search\" role=\"search\" data-find"), "{path}");
        assert!(page.contains("<a class=\"btn quiet icon-only find-open\" href=\"/search\""), "{path}");
    }
    let signed_out = open(&studio, None, "/search?q=x", "en").await;
    assert_eq!(header(&signed_out, "location"), "/login?next=%2Fsearch%3Fq%3Dx");
    // Without a question it says what can be asked, and each example is a link that asks it.
    let page = open(&studio, Some(&studio.editor), "/search", "en").await.text().await.unwrap();
    assert_clean("/search", &page);
    for example in ["is%3Aopen", "vmfhwprxm", "%E3%85%85%E3%85%82%E3%85%88", "%22rough+cut%22"] {
        assert!(page.contains(&format!("href=\"/search?q={example}\"")), "{example}");
    }
    // The page's own box is the only one.
    assert_eq!(page.matches("data-find").count(), 1);
    assert!(!page.contains("find-open"));
    studio.stop().await;
}

#[tokio::test]
async fn a_question_with_old_filters_and_markup_is_answered_as_words() {
    let studio = studio("pages-search-old").await;
    // An unknown kind, state, project or place in the list is none.
    let path =
        "/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&kind=nonsense&status=nonsense&project_id=x&cursor=%21";
    let answer = open(&studio, Some(&studio.editor), path, "en").await;
    assert_eq!(answer.status(), 200);
    let page = answer.text().await.unwrap();
    assert!(page.contains("value=\"&#34;&#62;&#60;script&#62;") && !page.contains("<script>alert"), "{page}");
    assert!(!page.contains("value=\"nonsense\"") && !page.contains(" selected>"), "{page}");
    assert_clean(path, &page);
    // A known filter stays with the question, also where nothing is found.
    let path = "/search?q=zzzzqqqq&kind=comment&status=open&project_id=999999";
    let page = open(&studio, Some(&studio.editor), path, "en").await.text().await.unwrap();
    assert_clean(path, &page);
    assert!(page.contains("name=\"kind\" value=\"comment\""), "{page}");
    assert!(page.contains("<option value=\"999999\" selected>") && page.contains("<option value=\"open\" selected>"));
    studio.stop().await;
}

#[tokio::test]
async fn who_is_not_a_member_sees_a_page_that_tells_nothing() {
    let studio = studio("pages-stranger").await;
    for path in [format!("/projects/{}", studio.project), format!("/feedbacks/{}", studio.feedback)] {
        let signed_out = open(&studio, None, &path, "ko").await;
        assert_eq!(signed_out.status(), StatusCode::SEE_OTHER);
        assert_eq!(header(&signed_out, "location"), format!("/login?next={}", path.replace('/', "%2F")));
        let stranger = open(&studio, Some(&studio.stranger), &path, "ko").await;
        assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
        let page = stranger.text().await.unwrap();
        assert!(!page.contains("가을 광고") && !page.contains("1차 시사"), "{page}");
        let viewer = open(&studio, Some(&studio.viewer), &path, "ko").await.text().await.unwrap();
        // A viewer gets no button that would be refused.
        assert!(!viewer.contains("data-open=\"new-feedback\"") && !viewer.contains("\"upload\":true"));
    }
    studio.stop().await;
}

#[tokio::test]
async fn a_sign_in_goes_on_to_where_it_came_from_and_nowhere_else() {
    let studio = studio("pages-login").await;
    let post = |path: &'static str, body: &'static str| {
        browser()
            .post(format!("{}{path}", studio.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    };
    let wrong = post("/login", "email=editor%40example.com&password=no&next=%2Fme").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let page = wrong.text().await.unwrap();
    assert!(page.contains("role=\"alert\"") && page.contains("value=\"/me\"") && page.contains("editor@example.com"));
    let right = "email=editor%40example.com&password=correct+horse+battery&next=";
    for (next, goes) in [("%2Fme", "/me"), ("%2F%2Fevil.example", "/"), ("https%3A%2F%2Fevil.example", "/")] {
        let answer = browser()
            .post(format!("{}/login", studio.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{right}{next}"))
            .send()
            .await
            .unwrap();
        assert_eq!(header(&answer, "location"), goes, "{next}");
    }
    // Another site's form cannot sign anybody out.
    let cookie = format!("vp_session={}", studio.editor.token);
    let foreign = post("/logout", "").header("cookie", &cookie).header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let own = post("/logout", "").header("cookie", &cookie).header("origin", &studio.url);
    assert_eq!(header(&own.send().await.unwrap(), "location"), "/login");
    assert_eq!(studio.editor.get("/me").await.status(), StatusCode::UNAUTHORIZED);
    studio.stop().await;
}

#[tokio::test]
async fn a_name_never_becomes_markup() {
    let studio = studio("pages-markup").await;
    let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
    let name = "</script><script>alert(1)</script><b>&\"'";
    let new = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
    let id = projects::add(&studio.app, &who, new).await.unwrap().id;
    for path in ["/projects".to_owned(), format!("/projects/{id}")] {
        let page = open(&studio, Some(&studio.editor), &path, "en").await.text().await.unwrap();
        assert!(!page.contains("<script>alert") && !page.contains("<b>&"), "{path}");
        assert_clean(&path, &page);
    }
    studio.stop().await;
}

#[tokio::test]
async fn styles_and_scripts_are_asked_for_once() {
    let studio = studio("pages-static").await;
    let page = open(&studio, None, "/login", "en").await.text().await.unwrap();
    let urls: Vec<&str> = page.split('"').filter(|part| part.starts_with("/static/")).collect();
    assert!(urls.iter().any(|u| u.ends_with("js/frame.js")) && urls.iter().any(|u| u.ends_with("css/tokens.css")));
    for url in urls {
        let first = open(&studio, None, url, "en").await;
        assert_eq!(first.status(), 200, "{url}");
        let tag = header(&first, "etag");
        let again = browser().get(format!("{}{url}", studio.url)).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{url}");
    }
    // A page of an earlier build still finds its scripts.
    assert_eq!(open(&studio, None, "/static/0123456789ab/js/room/player.js", "en").await.status(), 200);
    for path in
        ["/static/0123456789ab/../Cargo.toml", "/static/0123456789ab/js/none.js", "/static/0123456789ab/%2e%2e/x"]
    {
        assert_eq!(open(&studio, None, path, "en").await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    studio.stop().await;
}

#[tokio::test]
async fn a_page_costs_the_same_however_much_it_shows() {
    let studio = studio("pages-budget").await;
    let (project, feedback) = (studio.project, studio.feedback);
    // The session is one of them. A project's page draws what four calls of the API would answer.
    let budgets =
        [("/".to_owned(), 3), ("/projects".into(), 3), ("/me".into(), 3), (format!("/feedbacks/{feedback}"), 3)];
    let budgets: Vec<_> = budgets.into_iter().chain([(format!("/projects/{project}"), 5)]).collect();
    let mut costs = Vec::new();
    // Who asks is looked up once; from then on it is known.
    open(&studio, Some(&studio.editor), "/", "en").await;
    for round in 0..2 {
        for (path, budget) in &budgets {
            let answer = open(&studio, Some(&studio.editor), path, "en").await;
            let cost: u32 = header(&answer, "x-db-queries").parse().unwrap();
            assert!(cost <= *budget, "{path} costs {cost}");
            costs.push(cost);
        }
        let who = Viewer::of_token(&studio.app, &studio.editor.token).await.unwrap().unwrap();
        for i in 0..40 {
            let new = serde_json::from_value(serde_json::json!({ "title": format!("{i}차") })).unwrap();
            videoplanet::domain::feedback::add(&studio.app, &who, project, new).await.unwrap();
            let new = serde_json::from_value(
                serde_json::json!({ "email": format!("{round}.{i}@example.com"), "role": "viewer" }),
            );
            projects::invitations::add(&studio.app, &who, project, new.unwrap(), "http://x").await.unwrap();
        }
    }
    assert_eq!(costs[..budgets.len()], costs[budgets.len()..]);
    studio.stop().await;
}
