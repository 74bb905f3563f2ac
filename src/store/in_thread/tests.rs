use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, IntoActiveModel, QuerySelect, TransactionTrait};

use super::entity::{carrier_answer, dispute, hub_closure};
use super::*;
use crate::store::StoreError;

async fn database() -> DatabaseConnection {
    let database = InThread::open().expect("a database");
    Migrator::up(&database, None).await.expect("migrations");
    database
}

async fn texts(database: &DatabaseConnection, sql: &str) -> Vec<String> {
    let rows = database.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.expect("rows");
    rows.iter().map(|row| row.try_get("", "name").expect("a name")).collect()
}

#[tokio::test]
async fn every_table_is_known() {
    let (database, known) = (database().await, tables());
    // But those that are read as 64 bits and text alone.
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
               AND name NOT IN ('seaql_migrations', 'serial_counter')";
    let unknown = texts(&database, sql).await;
    assert!(unknown.len() > 40);
    let unknown: Vec<_> = unknown.iter().filter(|table| !known.contains_key(table.as_str())).collect();
    assert_eq!(unknown, [""; 0]);
}

fn answer(parcel_number: i32) -> carrier_answer::Model {
    carrier_answer::Model {
        shipment_id: uuid::Uuid::from_u128(7),
        carrier: "dhl".to_owned(),
        tracking_number: "JD01".to_owned(),
        body_hash: String::new(),
        parcel_number,
        status: 200,
        body: vec![0, 159, 146, 150],
        asked_at: i64::MAX,
    }
}

async fn insert(db: &impl ConnectionTrait, row: carrier_answer::Model) -> Result<(), StoreError> {
    let insert = carrier_answer::Entity::insert(row.into_active_model());
    Ok(insert.exec_without_returning(db).await.map(drop)?)
}

#[tokio::test]
async fn what_is_written_is_read_by_name_and_by_place() {
    let database = database().await;
    insert(&database, answer(2)).await.expect("a row");
    assert_eq!(carrier_answer::Entity::find().all(&database).await.expect("rows"), [answer(2)]);
    use carrier_answer::Column as C;
    let query = carrier_answer::Entity::find().select_only();
    let query = query.columns([C::Status, C::Body, C::ShipmentId, C::AskedAt]);
    let found = query.into_tuple::<(i32, Vec<u8>, uuid::Uuid, i64)>().all(&database).await.expect("rows");
    let row = answer(2);
    assert_eq!(found, [(row.status, row.body, row.shipment_id, row.asked_at)]);
    let sql =
        "SELECT COUNT(*) AS n, MAX(asked_at) AS latest FROM carrier_answer WHERE status = $2 AND $1 = 1";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [true.into(), 200_i32.into()]);
    let row = database.query_one_raw(statement).await.expect("a row").expect("a row");
    let counted: (i64, Option<i64>) =
        (row.try_get("", "n").expect("n"), row.try_get("", "latest").expect("latest"));
    assert_eq!(counted, (1, Some(i64::MAX)));
}

#[tokio::test]
async fn yes_no_and_nothing_are_read_as_they_were_written() {
    let database = database().await;
    database.execute_unprepared("PRAGMA foreign_keys = OFF").await.expect("no keys");
    for imported in [true, false] {
        let row = hub_closure::Model {
            id: uuid::Uuid::new_v4(),
            hub_code: "PVG".to_owned(),
            from_at: 1,
            until_at: 2,
            reason: String::new(),
            imported,
            created_at: 3,
        };
        hub_closure::Entity::insert(row.clone().into_active_model())
            .exec_without_returning(&database)
            .await
            .expect("a row");
        assert_eq!(hub_closure::Entity::find_by_id(row.id).all(&database).await.expect("rows"), [row]);
    }
    let row = dispute::Model {
        shipment_id: uuid::Uuid::nil(),
        id: uuid::Uuid::nil(),
        reason: "damaged".to_owned(),
        opened_at: 1,
        decide_by: 2,
        closed_at: None,
        outcome: None,
        because: Some(String::new()),
        remind_at: Some(3),
    };
    let insert = dispute::Entity::insert(row.clone().into_active_model());
    insert.exec_without_returning(&database).await.expect("a row");
    assert_eq!(dispute::Entity::find().all(&database).await.expect("rows"), [row]);
}

#[tokio::test]
async fn what_is_there_already_is_a_duplicate_and_what_is_dropped_is_not_there() {
    let database = database().await;
    insert(&database, answer(1)).await.expect("a row");
    assert!(matches!(insert(&database, answer(2)).await, Err(StoreError::Duplicate(_))));
    let count = async || carrier_answer::Entity::find().all(&database).await.expect("rows").len();
    let other = |number: u32| carrier_answer::Model { body_hash: number.to_string(), ..answer(1) };
    let tx = database.begin().await.expect("a transaction");
    insert(&tx, other(1)).await.expect("a row");
    let inner = tx.begin().await.expect("a savepoint");
    insert(&inner, other(2)).await.expect("a row");
    inner.rollback().await.expect("taken back");
    tx.commit().await.expect("a commit");
    assert_eq!(count().await, 2);
    let tx = database.begin().await.expect("a transaction");
    insert(&tx, other(3)).await.expect("a row");
    drop(tx);
    assert_eq!(count().await, 2);
}
