//! A few words that make the files beside this one short.

use sea_orm_migration::prelude::*;

/// A table with `columns` and a primary key of those named in `key`.
pub fn table(
    name: &'static str,
    columns: impl IntoIterator<Item = ColumnDef>,
    key: &[&'static str],
) -> TableCreateStatement {
    let mut table = Table::create().table(name).to_owned();
    for column in columns {
        table.col(column);
    }
    let mut primary = Index::create().to_owned();
    for column in key {
        primary.col(*column);
    }
    table.primary_key(&mut primary).to_owned()
}

/// An index named `table_columns_idx`.
pub fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index =
        Index::create().table(table).name(format!("{table}_{}_idx", columns.join("_"))).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

pub async fn drop_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    name: &'static str,
) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(name).table(table).to_owned()).await
}

pub fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().to_owned()
}

/// Drops `tables`, last made first.
pub async fn drop_all(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables.iter().rev() {
        manager.drop_table(Table::drop().table(*table).to_owned()).await?;
    }
    Ok(())
}
