//! SQLite in the thread of whoever asks, for a simulated database.
//!
//! A daemon's connection has a thread of its own, so that a question holds up nobody but who asked. A simulation does
//! one thing after the other, and a third of its time went into changing threads with each statement. What is asked
//! here is done when the question returns: nobody can drop it half-way.
//!
//! sea-orm wants each value in the type that its column was declared with, and SQLite knows numbers, texts and bytes.
//! So entities say it: a column is what it is in the tables that a statement names, and what is computed has 64 bits.
//! sea-orm takes rows of another driver through its mock (its proxy does not compile beside sqlx's SQLite).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::error::Error;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, ToSql};
use sea_orm::sea_query::{ColumnType, Value, Values};
use sea_orm::{
    ColumnTrait, DatabaseConnection, DatabaseConnectionType, DbBackend, DbErr, EntityTrait, ExecResult,
    IdenStatic, Iterable, MockDatabase, MockDatabaseConnection, MockDatabaseTrait, MockExecResult,
    QueryResult, RuntimeErr, Statement, Transaction,
};
use sqlx::error::{DatabaseError, ErrorKind};

use super::connect::STATEMENTS;
use super::entity;

#[cfg(test)]
mod tests;

#[derive(Debug)]
pub(super) struct InThread {
    connection: Connection,
    tables: Tables,
    /// Of each statement that was asked before.
    shapes: HashMap<String, Shape>,
}

/// How a column was declared, where SQLite does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What is computed has 64 bits, too.
    BigInt,
    Int,
    Bool,
    Bytes,
    Uuid,
}

impl Kind {
    /// None: a text or a fraction, which SQLite knows.
    fn of(declared: &ColumnType) -> Option<Self> {
        match declared {
            ColumnType::BigInteger => Some(Kind::BigInt),
            ColumnType::Integer => Some(Kind::Int),
            ColumnType::Boolean => Some(Kind::Bool),
            ColumnType::Uuid => Some(Kind::Uuid),
            ColumnType::VarBinary(_) | ColumnType::Binary(_) | ColumnType::Blob => Some(Kind::Bytes),
            _ => None,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Kind::BigInt | Kind::Int | Kind::Bool)
    }
}

/// What a column of an answer may be: one kind of number, and one of bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    number: Option<Kind>,
    bytes: Option<Kind>,
}

/// By their names.
type Tables = HashMap<&'static str, Table>;

#[derive(Debug)]
struct Table {
    /// As it was declared.
    columns: Vec<&'static str>,
    kinds: HashMap<&'static str, Kind>,
}

/// What an answer's rows hold.
#[derive(Debug)]
struct Shape {
    /// In the order of the names under which they are asked for.
    cells: Vec<Cell>,
    /// What is not there is read as nothing; by a place each has to be there.
    omits_nothing: bool,
}

#[derive(Debug)]
struct Cell {
    name: Box<str>,
    /// Of the column, from nought.
    place: usize,
    kinds: Kinds,
}

/// Of a value in an answer, in the order of names: a number is compared at once, and a text is made of it once.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a> {
    nth: usize,
    text: &'a str,
}

impl From<Name<'_>> for String {
    fn from(name: Name<'_>) -> Self {
        name.text.to_owned()
    }
}

/// As many columns as can be asked for by their places, by which sea-orm means the order of names.
const PLACES: usize = 12;

impl InThread {
    /// An empty database that ends with its last clone.
    pub fn open() -> Result<DatabaseConnection, DbErr> {
        let connection = Connection::open_in_memory().map_err(refused)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;").map_err(refused)?;
        let this = Self { connection, tables: tables(), shapes: HashMap::new() };
        let connection = Arc::new(MockDatabaseConnection::new(this));
        Ok(DatabaseConnectionType::MockDatabaseConnection(connection).into())
    }

    /// What sea-orm takes no answer to.
    fn run(&self, sql: &'static str) {
        let done = self.connection.prepare_cached(sql).and_then(|mut it| it.raw_execute());
        if let Err(error) = done {
            tracing::error!(%error, sql, "a simulated database");
        }
    }

    fn rows(&mut self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let Self { connection, tables, shapes } = self;
        let mut prepared = connection.prepare_cached(&statement.sql).map_err(refused)?;
        bind(&mut prepared, statement.values.as_ref())?;
        let shape = match shapes.get(&statement.sql) {
            Some(shape) => shape,
            None => {
                let shape = shape(&prepared, &statement.sql, tables)?;
                shapes.entry(statement.sql.clone()).or_insert(shape)
            }
        };
        let (mut rows, mut found) = (prepared.raw_query(), Vec::new());
        while let Some(row) = rows.next().map_err(refused)? {
            let values = shape.cells.iter().enumerate().filter_map(|(nth, cell)| {
                let value = row.get_ref(cell.place).map_err(refused);
                let is_told = shape.omits_nothing || !matches!(value, Ok(ValueRef::Null));
                let read = |value| Ok((Name { nth, text: &cell.name }, read(value, cell.kinds)?));
                is_told.then(|| value.and_then(read))
            });
            found.push(values.collect::<Result<BTreeMap<_, _>, DbErr>>()?);
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let nothing = Statement::from_string(DbBackend::Sqlite, "");
        MockDatabase::new(DbBackend::Sqlite).append_query_results([found]).query(0, nothing)
    }

    fn change(&self, statement: &Statement) -> Result<MockExecResult, DbErr> {
        let connection = &self.connection;
        if statement.values.is_none() && statement.sql.contains(';') {
            connection.execute_batch(&statement.sql).map_err(refused)?;
            return Ok(changed(0));
        }
        let mut prepared = connection.prepare_cached(&statement.sql).map_err(refused)?;
        bind(&mut prepared, statement.values.as_ref())?;
        let changes = !prepared.readonly();
        let mut rows = prepared.raw_query();
        while rows.next().map_err(refused)?.is_some() {}
        Ok(changed(if changes { connection.changes() } else { 0 }))
    }
}

macro_rules! tables {
    ($($table:ident)*) => {
        /// As their entities declare them.
        fn tables() -> Tables {
            HashMap::from([$(declared(entity::$table::Entity)),*])
        }
    };
}

tables! {
    audit_entry bag bag_parcel booking buyer_proof carrier_account carrier_answer carrier_push consolidation
    departure departure_change dispute dispute_message early_push escrow_act escrow_difference escrow_notice
    escrow_order escrow_trigger hub hub_closure hub_holiday hub_key idempotency_key lane left_behind
    merchant merchant_key network_edition number_owner operator_key outbox parcel payment_owner
    pickup_request plan poll_history reconciliation replan shipment stage_sample stage_time surplus
    tracked_number tracking_event unit webhook_endpoint webhook_message
}

fn declared<E: EntityTrait>(table: E) -> (&'static str, Table) {
    let kind = |column: E::Column| Some((column.as_str(), Kind::of(column.def().get_column_type())?));
    let columns = E::Column::iter().map(|column| column.as_str()).collect();
    (table.as_str(), Table { columns, kinds: E::Column::iter().filter_map(kind).collect() })
}

fn changed(rows_affected: u64) -> MockExecResult {
    MockExecResult { last_insert_id: 0, rows_affected }
}

fn shape(prepared: &CachedStatement, sql: &str, tables: &Tables) -> Result<Shape, DbErr> {
    let words: HashSet<_> = sql.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
    let named = tables.iter().filter(|(name, _)| words.contains(*name)).map(|(_, table)| table);
    let named: Vec<&Table> = named.collect();
    let names = prepared.column_names();
    // Who asks for a whole row asks by names.
    let is_whole = named.iter().any(|table| table.columns == names);
    let omits_nothing = names.len() <= PLACES && !is_whole;
    let by_place = omits_nothing && !names.is_sorted();
    let mut cells = Vec::with_capacity(2 * names.len());
    for (place, name) in names.into_iter().enumerate() {
        let kinds = Kinds::of(name, &named)?;
        cells.push(Cell { name: name.into(), place, kinds });
        if by_place {
            // Before any name.
            cells.push(Cell { name: format!("\0{place:02}").into(), place, kinds });
        }
    }
    cells.sort_by(|one, other| one.name.cmp(&other.name));
    match cells.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(pair) => Err(wrong(format!("{} is there twice", pair[0].name))),
        None => Ok(Shape { cells, omits_nothing }),
    }
}

impl Kinds {
    fn of(column: &str, tables: &[&Table]) -> Result<Self, DbErr> {
        let mut kinds = Self::default();
        for kind in tables.iter().filter_map(|table| table.kinds.get(column)) {
            let known = if kind.is_number() { &mut kinds.number } else { &mut kinds.bytes };
            if known.replace(*kind).is_some_and(|known| known != *kind) {
                return Err(wrong(format!("{column} is not the same in all tables of a statement")));
            }
        }
        Ok(kinds)
    }
}

fn wrong(reason: impl ToString) -> DbErr {
    DbErr::Type(reason.to_string())
}

fn read(value: ValueRef, kinds: Kinds) -> Result<Value, DbErr> {
    Ok(match (value, kinds.number, kinds.bytes) {
        // Whatever it would be: it says nothing.
        (ValueRef::Null, _, _) => Value::BigInt(None),
        (ValueRef::Integer(number), Some(Kind::Bool), _) => Value::Bool(Some(number != 0)),
        (ValueRef::Integer(number), Some(Kind::Int), _) => {
            Value::Int(Some(i32::try_from(number).map_err(wrong)?))
        }
        (ValueRef::Integer(number), _, _) => Value::BigInt(Some(number)),
        (ValueRef::Real(number), _, _) => Value::Double(Some(number)),
        (ValueRef::Text(text), _, _) => Value::String(Some(str::from_utf8(text).map_err(wrong)?.to_owned())),
        (ValueRef::Blob(bytes), _, Some(Kind::Uuid)) => {
            Value::Uuid(Some(uuid::Uuid::from_slice(bytes).map_err(wrong)?))
        }
        (ValueRef::Blob(bytes), _, _) => Value::Bytes(Some(bytes.to_vec())),
    })
}

/// `$3` is the third value, wherever it stands; a `?` is the next one.
fn bind(prepared: &mut CachedStatement, values: Option<&Values>) -> Result<(), DbErr> {
    let Some(Values(values)) = values else { return Ok(()) };
    let mut unnamed = 0;
    for parameter in 1..=prepared.parameter_count() {
        let place: usize = match prepared.parameter_name(parameter) {
            Some(name) => name[1..].parse().map_err(|_| wrong(format!("{name} is no place of a value")))?,
            None => {
                unnamed += 1;
                unnamed
            }
        };
        let value = place.checked_sub(1).and_then(|place| values.get(place));
        let value = value.ok_or_else(|| wrong(format!("there is no value {place}")))?;
        let mut bind = |value: &dyn ToSql| prepared.raw_bind_parameter(parameter, value).map_err(refused);
        match value {
            Value::Bool(value) => bind(value),
            Value::Int(value) => bind(value),
            Value::BigInt(value) => bind(value),
            Value::BigUnsigned(value) => bind(&value.map(|value| value as i64)),
            Value::Double(value) => bind(value),
            Value::String(value) => bind(value),
            Value::Bytes(value) => bind(value),
            Value::Uuid(value) => bind(&value.as_ref().map(|value| value.as_bytes().as_slice())),
            other => Err(wrong(format!("{other:?} is not written anywhere"))),
        }?;
    }
    Ok(())
}

/// A transaction in a transaction is a savepoint, and so is the first one.
impl MockDatabaseTrait for InThread {
    fn execute(&mut self, _: usize, statement: Statement) -> Result<ExecResult, DbErr> {
        let done = self.change(&statement)?;
        MockDatabase::new(DbBackend::Sqlite).append_exec_results([done]).execute(0, statement)
    }

    fn query(&mut self, _: usize, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.rows(&statement)
    }

    fn begin(&mut self) {
        self.run("SAVEPOINT work");
    }

    fn commit(&mut self) {
        self.run("RELEASE work");
    }

    fn rollback(&mut self) {
        // Of whoever ended it in so many words nothing is left to take back.
        if self.connection.is_autocommit() {
            return;
        }
        self.run("ROLLBACK TO work");
        self.run("RELEASE work");
    }

    fn drain_transaction_log(&mut self) -> Vec<Transaction> {
        Vec::new()
    }

    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    fn ping(&self) -> Result<(), DbErr> {
        Ok(())
    }
}

/// What SQLite refused, as its other driver says it.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
struct Refused {
    code: i32,
    message: String,
}

fn refused(error: rusqlite::Error) -> DbErr {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure.extended_code, message.unwrap_or_else(|| failure.to_string()))
        }
        other => (rusqlite::ffi::SQLITE_ERROR, other.to_string()),
    };
    let error: Box<dyn DatabaseError> = Box::new(Refused { code, message });
    DbErr::Query(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Database(error))))
}

impl DatabaseError for Refused {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        match self.code {
            rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                ErrorKind::UniqueViolation
            }
            rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            _ => ErrorKind::Other,
        }
    }
}
