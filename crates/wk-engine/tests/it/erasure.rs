//! Rows that name somebody who asks to be forgotten go; kept and held ones stay, and are counted.

use std::sync::Arc;

use wk_engine::upkeep::Erased;
use wk_model::retention::Policy;
use wk_seam::ledger::{Erasure, Ledger as _};

use crate::expiry::{DAY, World, after, block_on, hold, policy};

type Texts = &'static [(&'static str, &'static str)];

const CARLA: Texts = &[("elb", "carla@example.com")];
const DORA: Texts = &[("elb", "dora@example.com")];
const CARLA_CALLED: Texts = &[("errorMessage", "carla@example.com")];
const DORA_CALLED: Texts = &[("errorMessage", "dora@example.com")];

fn erase(world: &World, subject: &str, policy: &Arc<Policy>) -> Erased {
    let upkeep = world.upkeep(after(10, 0), Vec::new());
    let erasure = Erasure {
        request: "T-1".to_owned(),
        authorised_by: "ann".to_owned(),
        second_person: "ben".to_owned(),
    };
    block_on(async {
        let named = upkeep.named(subject, policy).await.unwrap();
        upkeep.erase(subject, policy, &named, &erasure).await.unwrap()
    })
}

fn asked() -> World {
    let world = World::default();
    world.commit(DAY, &[("alb", CARLA), ("alb", DORA)]);
    world.commit(DAY, &[("alb", CARLA)]);
    world.commit(DAY, &[("cloudtrail", CARLA_CALLED), ("cloudtrail", DORA_CALLED)]);
    world
}

#[test]
fn the_rows_that_name_a_subject_are_erased_and_no_others() {
    let world = asked();
    let done = erase(&world, "Carla@Example.com", &Arc::default());
    assert_eq!((done.rows, done.files, done.kept), (3, (1, 2), 0));
    let rows = world.rows();
    assert!(rows.iter().all(|row| row.contains("dora")), "{rows:?}");
    assert_eq!(rows.len(), 2, "one of each table");
    assert_eq!(erase(&world, "Carla@Example.com", &Arc::default()), Erased::default());
}

#[test]
fn what_a_policy_asks_to_be_kept_is_not_erased_before_its_term() {
    let world = asked();
    // CloudTrail is kept for seven years there, load balancer logs for 90 days.
    let done = erase(&world, "carla@example.com", &policy("cc7"));
    assert_eq!((done.rows, done.kept), (0, 3));
    // Here requests of people may be kept at most a year, and need not be kept at all.
    let done = erase(&world, "carla@example.com", &policy("gdpr"));
    assert_eq!(done.rows + done.kept, 3, "{done:?}");
    assert!(done.rows >= 2, "{done:?}");
}

#[test]
fn a_hold_beats_an_erasure() {
    let world = asked();
    block_on(world.ledger.place_hold(&hold("h", "table=alb"))).unwrap();
    let done = erase(&world, "carla@example.com", &Arc::default());
    assert_eq!((done.rows, done.held), (1, 2));
    let names = |row: &&String| row.contains("carla");
    // Of carla: one text, for both load balancer rows are their file's first.
    assert_eq!(world.rows().iter().filter(names).count(), 1);
}
