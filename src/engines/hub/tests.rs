//! Rooms by themselves: order, limits, lag, withdrawal.

use super::*;

const ROOM: ProjectId = ProjectId(1);

fn hub() -> Hub {
    Hub::new(Options { per_user: 5, per_room: 50, max: 100, queue: 10 })
}

fn person(user: i64, team: bool) -> Person {
    Person { user: UserId(user), nickname: format!("n{user}"), session: SessionId(user * 10), team }
}

fn said(seq: i64) -> Message {
    let body = Bytes::from(format!("{{\"seq\":{seq}}}"));
    Message { seq: Some(seq), audience: Audience::All, body, own: None, except: None }
}

fn seqs(seat: &mut Seat) -> Vec<i64> {
    let mut all = Vec::new();
    while let Some(signal) = seat.try_next() {
        if let Signal::Message { seq: Some(seq), .. } = signal {
            all.push(seq);
        }
    }
    all
}

#[test]
fn everybody_hears_in_order_from_the_moment_he_came() {
    let hub = hub();
    let mut first = hub.join(ROOM, person(1, false)).unwrap();
    hub.publish(ROOM, said(1));
    let mut second = hub.join(ROOM, person(2, false)).unwrap();
    hub.publish(ROOM, said(2));
    hub.publish(ProjectId(2), said(3));
    assert_eq!(seqs(&mut first), [1, 2]);
    assert_eq!(seqs(&mut second), [2]);
}

#[test]
fn each_hears_what_is_meant_for_him() {
    let hub = hub();
    let mut editor = hub.join(ROOM, person(1, true)).unwrap();
    let mut reviewer = hub.join(ROOM, person(2, false)).unwrap();
    hub.publish(ROOM, Message { audience: Audience::Team, ..said(1) });
    hub.publish(ROOM, Message { audience: Audience::User(UserId(2)), ..said(2) });
    hub.publish(ROOM, Message { except: Some(UserId(1)), ..said(3) });
    hub.publish(ROOM, Message { own: Some((UserId(2), Bytes::from_static(b"mine"))), ..said(4) });
    assert_eq!(seqs(&mut editor), [1, 4]);
    let mut bodies = Vec::new();
    while let Some(Signal::Message { body, .. }) = reviewer.try_next() {
        bodies.push(body);
    }
    assert_eq!(bodies, [&b"{\"seq\":2}"[..], b"{\"seq\":3}", b"mine"]);
}

#[test]
fn a_changed_role_counts_for_what_has_not_been_heard_yet() {
    let hub = hub();
    let mut seat = hub.join(ROOM, person(1, true)).unwrap();
    hub.publish(ROOM, Message { audience: Audience::Team, ..said(1) });
    hub.set_team(ROOM, UserId(1), false);
    assert!(seqs(&mut seat).is_empty());
    hub.set_team(ROOM, UserId(1), true);
    hub.publish(ROOM, Message { audience: Audience::Team, ..said(2) });
    assert_eq!(seqs(&mut seat), [2]);
}

#[test]
fn who_falls_behind_is_told_once_and_hears_what_comes_after() {
    let hub = hub();
    let mut slow = hub.join(ROOM, person(1, false)).unwrap();
    (1..=10).for_each(|n| hub.publish(ROOM, said(n)));
    assert_eq!(slow.try_next(), Some(Signal::Message { seq: Some(1), body: said(1).body }));
    (11..=15).for_each(|n| hub.publish(ROOM, said(n)));
    assert_eq!(slow.try_next(), Some(Signal::Resync));
    hub.publish(ROOM, said(16));
    assert_eq!(seqs(&mut slow), [16]);
    assert_eq!(hub.stats().lagged, 1);
}

#[test]
fn who_keeps_up_hears_all_however_many() {
    let hub = hub();
    let mut seat = hub.join(ROOM, person(1, false)).unwrap();
    for n in 1..=1000 {
        hub.publish(ROOM, said(n));
        assert_eq!(seqs(&mut seat), [n]);
    }
}

#[test]
fn a_withdrawn_right_comes_before_what_waits() {
    let hub = hub();
    let mut out = hub.join(ROOM, person(1, false)).unwrap();
    let mut stays = hub.join(ROOM, person(2, false)).unwrap();
    hub.publish(ROOM, said(1));
    hub.withdraw(ROOM, UserId(1));
    assert_eq!(out.try_next(), Some(Signal::End(Ending::Withdrawn)));
    assert_eq!(seqs(&mut stays), [1]);
    hub.close(ROOM);
    assert_eq!(stays.try_next(), Some(Signal::End(Ending::Withdrawn)));
}

#[test]
fn a_session_that_ends_takes_its_own_seats() {
    let hub = hub();
    let seat = |session| hub.join(ROOM, Person { session: SessionId(session), ..person(1, false) }).unwrap();
    let (mut a, mut b, mut c) = (seat(1), seat(2), seat(3));
    hub.revoke(UserId(1), Sessions::One(SessionId(1)));
    assert_eq!((a.try_next(), b.try_next()), (Some(Signal::End(Ending::Revoked)), None));
    hub.revoke(UserId(1), Sessions::AllBut(SessionId(3)));
    assert_eq!((b.try_next(), c.try_next()), (Some(Signal::End(Ending::Revoked)), None));
    hub.revoke(UserId(1), Sessions::All);
    assert_eq!(c.try_next(), Some(Signal::End(Ending::Revoked)));
}

#[test]
fn others_hear_who_comes_and_leaves() {
    let hub = hub();
    let mut first = hub.join(ROOM, person(1, false)).unwrap();
    assert_eq!(first.try_next(), None);
    let second = hub.join(ROOM, person(2, false)).unwrap();
    let tab = hub.join(ROOM, person(2, false)).unwrap();
    assert_eq!((first.try_next(), first.try_next()), (Some(Signal::Presence), None));
    let names = |people: &[Present]| Bytes::from(people.iter().map(|p| p.nickname.as_str()).collect::<String>());
    assert_eq!(first.presence(names), "n1n2");
    drop(tab);
    assert_eq!(first.try_next(), None);
    drop(second);
    assert_eq!(first.try_next(), Some(Signal::Presence));
    assert_eq!(first.presence(names), "n1");
}

#[test]
fn nobody_gets_a_sixth_seat_however_many_ask_at_once() {
    let hub = hub();
    for _ in 0..20 {
        let seats = Mutex::new(Vec::new());
        std::thread::scope(|s| {
            for room in 0..16 {
                let (hub, seats) = (&hub, &seats);
                s.spawn(move || {
                    if let Ok(seat) = hub.join(ProjectId(room % 3), person(7, false)) {
                        seats.lock().push(seat);
                    }
                });
            }
        });
        assert_eq!(seats.lock().len(), 5);
        assert_eq!(hub.stats().sockets, 5);
        drop(seats);
        assert_eq!(hub.stats(), Stats { rooms: 0, sockets: 0, ..hub.stats() });
    }
}

#[test]
fn rooms_and_house_have_their_limits() {
    let hub = Hub::new(Options { per_user: 5, per_room: 2, max: 3, queue: 10 });
    let join = |room, user| hub.join(ProjectId(room), person(user, false));
    let _a = join(1, 1).unwrap();
    let _b = join(1, 2).unwrap();
    assert_eq!(join(1, 3).err(), Some(JoinError::Full));
    let c = join(2, 3).unwrap();
    assert_eq!(join(3, 4).err(), Some(JoinError::Full));
    drop(c);
    let mut d = join(3, 4).unwrap();
    hub.stop();
    assert_eq!(d.try_next(), Some(Signal::End(Ending::Stopping)));
    assert_eq!(join(4, 5).err(), Some(JoinError::Stopping));
}

#[tokio::test]
async fn who_waits_is_woken() {
    let hub = hub();
    let mut seat = hub.join(ROOM, person(1, false)).unwrap();
    let waits = tokio::spawn(async move { (seat.next().await, seat.next().await) });
    tokio::task::yield_now().await;
    hub.publish(ROOM, said(1));
    tokio::task::yield_now().await;
    hub.withdraw(ROOM, UserId(1));
    let (first, then) = waits.await.unwrap();
    assert!(matches!(first, Signal::Message { seq: Some(1), .. }));
    assert_eq!(then, Signal::End(Ending::Withdrawn));
}
