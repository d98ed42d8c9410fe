//! Rooms by themselves: order, limits, lag, withdrawal.

use super::*;

const ROOM: Place = Place::Project(ProjectId(1));

fn hub() -> Hub {
    Hub::new(Options { per_user: 5, per_room: 50, max: 100, queue: 10 }, Clock::set_at(7))
}

fn person(user: i64, team: bool) -> Person {
    let address = IpAddr::from([127, 0, 0, 1]);
    Person { user: UserId(user), nickname: format!("n{user}"), session: SessionId(user * 10), address, team }
}

fn said(seq: i64) -> Message {
    Message { seq: Some(seq), ..Message::passing(Bytes::from(format!("{{\"seq\":{seq}}}"))) }
}

fn seqs(seat: &mut Seat) -> Vec<i64> {
    let mut all = Vec::new();
    while let Some(signal) = seat.try_next() {
        if let Signal::Message(Heard { seq: Some(seq), .. }) = signal {
            all.push(seq);
        }
    }
    all
}

/// Is the next signal a change of what stands?
fn stood(seat: &mut Seat) -> bool {
    matches!(seat.try_next(), Some(Signal::Standing))
}

/// How the seat ends, if it does.
fn ended(seat: &mut Seat) -> Option<Ending> {
    match seat.try_next() {
        Some(Signal::End(ending)) => Some(ending),
        _ => None,
    }
}

#[test]
fn everybody_hears_in_order_from_the_moment_he_came() {
    let hub = hub();
    let mut first = hub.join(ROOM, person(1, false)).unwrap();
    hub.publish(ROOM, said(1));
    let mut second = hub.join(ROOM, person(2, false)).unwrap();
    hub.publish(ROOM, said(2));
    hub.publish(Place::Project(ProjectId(2)), said(3));
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
    while let Some(Signal::Message(heard)) = reviewer.try_next() {
        bodies.push(heard.body);
    }
    assert_eq!(bodies, [&b"{\"seq\":2}"[..], b"{\"seq\":3}", b"mine"]);
}

#[test]
fn a_changed_role_counts_for_what_has_not_been_heard_yet() {
    let hub = hub();
    let mut seat = hub.join(ROOM, person(1, true)).unwrap();
    hub.publish(ROOM, Message { audience: Audience::Team, ..said(1) });
    hub.set_team(ProjectId(1), UserId(1), false);
    assert!(seqs(&mut seat).is_empty());
    hub.set_team(ProjectId(1), UserId(1), true);
    hub.publish(ROOM, Message { audience: Audience::Team, ..said(2) });
    assert_eq!(seqs(&mut seat), [2]);
}

#[test]
fn who_falls_behind_is_told_once_and_hears_what_comes_after() {
    let hub = hub();
    let mut slow = hub.join(ROOM, person(1, false)).unwrap();
    (1..=10).for_each(|n| hub.publish(ROOM, said(n)));
    assert!(matches!(slow.try_next(), Some(Signal::Message(Heard { seq: Some(1), .. }))));
    (11..=15).for_each(|n| hub.publish(ROOM, said(n)));
    assert!(matches!(slow.try_next(), Some(Signal::Resync)));
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
    hub.withdraw(ProjectId(1), UserId(1));
    assert_eq!(ended(&mut out), Some(Ending::Withdrawn));
    assert_eq!(seqs(&mut stays), [1]);
    hub.close(ProjectId(1));
    assert_eq!(ended(&mut stays), Some(Ending::Withdrawn));
}

#[test]
fn a_session_that_ends_takes_its_own_seats() {
    let hub = hub();
    let seat = |session| hub.join(ROOM, Person { session: SessionId(session), ..person(1, false) }).unwrap();
    let (mut a, mut b, mut c) = (seat(1), seat(2), seat(3));
    hub.revoke(UserId(1), Sessions::One(SessionId(1)));
    assert_eq!((ended(&mut a), ended(&mut b)), (Some(Ending::Revoked), None));
    hub.revoke(UserId(1), Sessions::AllBut(SessionId(3)));
    assert_eq!((ended(&mut b), ended(&mut c)), (Some(Ending::Revoked), None));
    hub.revoke(UserId(1), Sessions::All);
    assert_eq!(ended(&mut c), Some(Ending::Revoked));
}

#[test]
fn others_hear_who_comes_and_leaves() {
    let hub = hub();
    let mut first = hub.join(ROOM, person(1, false)).unwrap();
    assert!(!stood(&mut first));
    let second = hub.join(ROOM, person(2, false)).unwrap();
    let tab = hub.join(ROOM, person(2, false)).unwrap();
    assert!(stood(&mut first) && !stood(&mut first));
    let names = |s: &Standing| Bytes::from(s.online.iter().map(|p| p.nickname.as_str()).collect::<String>());
    assert_eq!(first.standing(names), "n1n2");
    drop(tab);
    assert!(!stood(&mut first));
    drop(second);
    assert!(stood(&mut first));
    assert_eq!(first.standing(names), "n1");
    assert_eq!(first.stands().count, 1);
}

#[test]
fn of_his_windows_the_one_that_moved_last_says_where_he_looks() {
    let clock = Clock::set_at(7);
    let hub = Hub::new(Options { per_user: 5, per_room: 50, max: 100, queue: 10 }, clock.clone());
    let (one, two) = (hub.join(ROOM, person(1, false)).unwrap(), hub.join(ROOM, person(1, false)).unwrap());
    assert_eq!(one.stands().online[0].looking, None);
    for (seat, ms) in [(&one, 100), (&two, 200), (&one, 300)] {
        clock.advance(1);
        seat.look(MediaId(4), ms);
        assert_eq!(two.stands().online[0].looking, Some(LookingAt { media_id: MediaId(4), ms }));
    }
    drop(one);
    assert_eq!(two.stands().online[0].looking.unwrap().ms, 200);
}

#[tokio::test]
async fn while_many_arrive_the_others_hear_of_it_once_a_second() {
    let hub = hub();
    let mut first = hub.join(ROOM, person(1, false)).unwrap();
    let mut told = 0;
    let mut others = Vec::new();
    for n in 2..42 {
        others.push(hub.join(ROOM, person(n, false)).unwrap());
        tokio::task::yield_now().await;
        told += u32::from(stood(&mut first));
    }
    assert!(told <= 1, "{told}");
    assert!(matches!(first.next().await, Signal::Standing));
    assert_eq!(first.stands().count, 41);
    drop(others);
    assert!(matches!(first.next().await, Signal::Standing));
    assert_eq!((first.stands().count, stood(&mut first)), (1, false));
}

#[tokio::test]
async fn ones_own_room_tells_the_last_of_what_moved() {
    let hub = hub();
    let mut window = hub.join(Place::Person(UserId(1)), person(1, false)).unwrap();
    // The window itself came just now, which is news to nobody but opens the second.
    (5..50).for_each(|seq| hub.touch(UserId(1), seq));
    hub.touch(UserId(2), 99);
    assert!(matches!(window.next().await, Signal::Standing));
    assert_eq!((window.stands().touched, stood(&mut window)), (49, false));
}

#[test]
fn operators_see_who_sits_where_and_end_a_seat() {
    let hub = hub();
    let mut one = hub.join(ROOM, person(1, false)).unwrap();
    let mut two = hub.join(ROOM, person(2, false)).unwrap();
    let _own = hub.join(Place::Person(UserId(2)), person(2, false)).unwrap();
    hub.publish(ROOM, said(1));
    hub.publish(ROOM, said(2));
    seqs(&mut one);
    two.said();
    let room = RoomStats { place: ROOM, sockets: 2, people: 2, published: 2, behind: 2, last: Some(Time(7)) };
    assert_eq!(hub.rooms()[0], room);
    let seats = hub.seats(ROOM);
    assert_eq!((seats[0].told, seats[0].behind, seats[1].heard, seats[1].behind), (2, 0, 1, 2));
    let stats = hub.stats();
    assert_eq!((stats.rooms, stats.sockets, stats.personal, stats.behind, stats.opened), (1, 3, 1, 1, 3));
    assert_eq!((hub.disconnect(two.id()), hub.disconnect(99)), (Some(UserId(2)), None));
    assert_eq!(hub.disconnect(two.id()), None, "it ends already");
    assert_eq!((ended(&mut one), ended(&mut two)), (None, Some(Ending::Disconnected)));
}

#[test]
fn after_a_stop_all_come_back_at_other_times() {
    let hub = hub();
    let mut seats: Vec<Seat> = (0..50).map(|n| hub.join(ROOM, person(n, false)).unwrap()).collect();
    hub.stop();
    let retry = |seat: &mut Seat| match ended(seat) {
        Some(Ending::Stopping { retry_ms }) => retry_ms,
        other => panic!("{other:?}"),
    };
    let mut times: Vec<u64> = seats.iter_mut().map(retry).collect();
    assert!(times.iter().all(|ms| (250..750).contains(ms)), "{times:?}");
    times.sort_unstable();
    // Spread over the half second, not in a heap.
    assert!(times[10] < 450 && times[40] > 550, "{times:?}");
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
                    if let Ok(seat) = hub.join(Place::Project(ProjectId(room % 3)), person(7, false)) {
                        seats.lock().push(seat);
                    }
                });
            }
        });
        assert_eq!(seats.lock().len(), 5);
        assert_eq!(hub.stats().sockets, 5);
        drop(seats);
        assert_eq!((hub.stats().rooms, hub.sockets()), (0, 0));
    }
}

#[test]
fn rooms_and_house_have_their_limits() {
    let hub = Hub::new(Options { per_user: 5, per_room: 2, max: 3, queue: 10 }, Clock::System);
    let join = |room, user| hub.join(Place::Project(ProjectId(room)), person(user, false));
    let _a = join(1, 1).unwrap();
    let _b = join(1, 2).unwrap();
    assert_eq!(join(1, 3).err(), Some(JoinError::Full));
    let c = join(2, 3).unwrap();
    assert_eq!(join(3, 4).err(), Some(JoinError::Full));
    drop(c);
    let mut d = join(3, 4).unwrap();
    hub.stop();
    assert!(matches!(ended(&mut d), Some(Ending::Stopping { .. })));
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
    hub.withdraw(ProjectId(1), UserId(1));
    let (first, then) = waits.await.unwrap();
    assert!(matches!(first, Signal::Message(Heard { seq: Some(1), .. })));
    assert!(matches!(then, Signal::End(Ending::Withdrawn)));
}
