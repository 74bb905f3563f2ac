//! The bodies that are read by hand, for the description of the API.
//!
//! Nothing is parsed into these: [`crate::intake`] reads bodies with all their mistakes at once.

#![expect(dead_code, reason = "described, never constructed")]

use utoipa::ToSchema;

#[derive(ToSchema)]
pub struct PickupBody {
    /// Your own name for the order, 1 to 64 characters. One reference is one shipment.
    #[schema(example = "R00000042")]
    pub reference: String,
    pub pickup: PickupPart,
    pub consignee: ConsigneePart,
    #[schema(example = "express")]
    /// express, standard or economy
    pub service: String,
    /// 9610, 1210, express or postal
    #[schema(example = "9610")]
    pub clearance: String,
    pub payment: PaymentPart,
    /// 1 to 100
    pub parcels: Vec<ParcelPart>,
}

#[derive(ToSchema)]
pub struct PickupPart {
    pub address: AddressPart,
    pub contact: ContactPart,
    #[schema(example = "2026-03-02T14:00:00+08:00")]
    pub from: String,
    #[schema(example = "2026-03-02T16:00:00+08:00")]
    pub until: String,
}

#[derive(ToSchema)]
pub struct AddressPart {
    #[schema(example = "HK")]
    pub country: String,
    pub region: Option<String>,
    #[schema(example = "Kai Tak")]
    pub city: String,
    pub postal_code: Option<String>,
    #[schema(example = json!(["1 Dock Road"]))]
    pub lines: Vec<String>,
    pub location: Option<LocationPart>,
}

/// WGS 84, in degrees.
#[derive(ToSchema)]
pub struct LocationPart {
    #[schema(example = 22.31531)]
    pub lat: f64,
    #[schema(example = 114.19102)]
    pub lon: f64,
}

#[derive(ToSchema)]
pub struct ContactPart {
    #[schema(example = "Dock")]
    pub name: String,
    #[schema(example = "+85255501000")]
    pub phone: String,
}

#[derive(ToSchema)]
pub struct ConsigneePart {
    #[schema(example = "王伟")]
    pub name: String,
    #[schema(example = "+8613800000000")]
    pub phone: String,
    /// A six-digit code of GB/T 2260.
    #[schema(example = "340504")]
    pub division: String,
    #[schema(example = json!(["幸福路1号"]))]
    pub lines: Vec<String>,
    pub postal_code: Option<String>,
}

#[derive(ToSchema)]
pub struct PaymentPart {
    #[schema(example = "webhook")]
    pub provider: String,
    /// The provider's trade number.
    #[schema(example = "T000000000042")]
    pub reference: String,
    /// A decimal string with no more places than the currency has.
    #[schema(example = "2256.63")]
    pub amount: String,
    #[schema(example = "CNY")]
    pub currency: String,
    /// How it is released; absent: as the merchant has it.
    pub release_policy: Option<ReleasePolicyPart>,
}

#[derive(ToSchema)]
pub struct ReleasePolicyPart {
    /// on_delivery, or after_window
    #[schema(example = "after_window")]
    pub release: String,
    /// The window in which the buyer can object
    #[schema(example = 10, minimum = 1, maximum = 60)]
    pub days: Option<u32>,
    /// Nothing is released earlier than so long after delivery
    #[schema(example = 0, minimum = 0, maximum = 43200)]
    pub dwell_minutes: Option<u32>,
    /// Kinds of delivery that wait for the window in any case
    #[schema(example = json!(["locker", "neighbour", "unspecified"]))]
    pub wait_for_window: Option<Vec<String>>,
    /// order, or parcel: each parcel's share when that parcel is there
    #[schema(example = "order")]
    pub release_by: Option<String>,
}

#[derive(ToSchema)]
pub struct ReasonBody {
    #[schema(example = "the buyer called")]
    pub reason: String,
}

#[derive(ToSchema)]
pub struct ThawBody {
    #[schema(example = "the hub found the parcel whole")]
    pub reason: String,
    /// The names of what is set aside, where more than one thing is wrong
    pub set_aside: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub struct SettledBody {
    #[schema(example = "released at the console, case 4711")]
    pub reason: String,
    /// `released`: the merchant has the money; `refunded`: the buyer has it
    #[schema(example = "released")]
    pub outcome: String,
}

#[derive(ToSchema)]
pub struct InstructionBody {
    #[schema(example = "agreed with the buyer")]
    pub reason: String,
    /// Whose share of the money, where it is released by parcel
    pub parcel: Option<u16>,
}

#[derive(ToSchema)]
pub struct RefundBody {
    #[schema(example = "one cup is broken")]
    pub reason: String,
    /// Whose share of the money, where it is released by parcel
    pub parcel: Option<u16>,
    /// A decimal string; absent: all that is left
    #[schema(example = "25.00")]
    pub amount: Option<String>,
    #[schema(example = "CNY")]
    pub currency: Option<String>,
}

#[derive(ToSchema)]
pub struct ApprovalBody {
    #[schema(example = "agreed")]
    pub reason: String,
    /// Whose share of the money, where it is released by parcel
    pub parcel: Option<u16>,
    /// What was ordered, to the cent
    #[schema(example = "25.00")]
    pub amount: String,
    #[schema(example = "CNY")]
    pub currency: String,
}

#[derive(ToSchema)]
pub struct ProofBody {
    /// The code that the merchant passed on, or the last four digits of the telephone number
    #[schema(example = "493021")]
    pub proof: String,
}

#[derive(ToSchema)]
pub struct ExtensionBody {
    #[schema(example = "493021")]
    pub proof: String,
    #[schema(minimum = 1, maximum = 10)]
    pub days: u32,
}

#[derive(ToSchema)]
pub struct ObjectionBody {
    #[schema(example = "493021")]
    pub proof: String,
    /// `not_received`, `not_as_described`, `damaged`, `wrong_item` or `counterfeit`
    #[schema(example = "damaged")]
    pub reason: String,
    /// Lines are kept
    #[schema(max_length = 2000)]
    pub message: Option<String>,
    /// Up to 10 https addresses
    pub attachments: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub struct StatementBody {
    /// Lines are kept
    #[schema(max_length = 2000)]
    pub message: String,
    /// Up to 10 https addresses
    pub attachments: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub struct ProvenStatementBody {
    #[schema(example = "493021")]
    pub proof: String,
    /// Lines are kept
    #[schema(max_length = 2000)]
    pub message: String,
    /// Up to 10 https addresses
    pub attachments: Option<Vec<String>>,
}

#[derive(ToSchema)]
pub struct DecisionBody {
    /// `rejected`, `refunded_in_part` or `refunded_in_full`
    #[schema(example = "refunded_in_part")]
    pub outcome: String,
    #[schema(example = "one cup is broken")]
    pub reason: String,
    /// A decimal string, of a refund in part
    #[schema(example = "25.00")]
    pub amount: Option<String>,
    #[schema(example = "CNY")]
    pub currency: Option<String>,
    /// Whose share of the money, where it is released by parcel
    pub parcel: Option<u16>,
}

#[derive(ToSchema)]
pub struct ParcelPart {
    #[schema(example = "R00000042-1")]
    pub reference: String,
    #[schema(example = 376, minimum = 1, maximum = 1000000)]
    pub weight_grams: u32,
    /// Length, width, height.
    #[schema(example = json!([135, 95, 92]))]
    pub size_mm: Vec<u32>,
    /// 1 to 200
    pub items: Vec<ItemPart>,
}

#[derive(ToSchema)]
pub struct ItemPart {
    #[schema(example = "COS01496")]
    pub sku: String,
    #[schema(example = "skin care")]
    pub description: String,
    /// 6 to 10 digits of the Harmonized System. What may not enter China under the clearance is
    /// refused by the name of its rule.
    #[schema(example = "330499")]
    pub hs_code: String,
    #[schema(example = 2)]
    pub quantity: u32,
    #[schema(example = "200.40")]
    pub unit_price: String,
    #[schema(example = "HKD")]
    pub currency: String,
    #[schema(example = "HK")]
    pub origin: String,
    /// Where the goods have a UN number.
    pub dangerous_goods: Option<DangerousGoodsPart>,
}

/// Refused where the number is in no table of what is carried, where no mode of transport takes it, and
/// where the class is another one. UN3480 are lithium ion batteries alone, UN3481 with or in equipment.
#[derive(ToSchema)]
pub struct DangerousGoodsPart {
    /// `UN` and four digits.
    #[schema(example = "UN3481")]
    pub un: String,
    /// Its class or division without letters, as `9`, `3` or `2.1`.
    #[schema(example = "9")]
    pub class: String,
}

#[derive(ToSchema)]
pub struct WebhookBody {
    /// `https://`, at most 2,000 characters, without a name or a password in it.
    #[schema(example = "https://shop.example/sampan")]
    pub url: String,
    /// Kinds such as `shipment.status_changed`, families such as `escrow.*`, or `*`; all where it is left out.
    #[schema(example = json!(["shipment.*", "escrow.state_changed"]))]
    pub events: Option<Vec<String>>,
}

/// What is left out stays. The address stays too: register another.
#[derive(ToSchema)]
pub struct WebhookChangeBody {
    /// As when it was registered; `["*"]` for all.
    #[schema(example = json!(["escrow.*"]))]
    pub events: Option<Vec<String>>,
    /// `false` switches it off, `true` has it called again.
    pub enabled: Option<bool>,
}

#[derive(ToSchema)]
pub struct RotationBody {
    /// 0 to 24: how long the secrets before stay good. 24 where it is left out; 0 for one that has leaked.
    #[schema(example = 24, minimum = 0, maximum = 24)]
    pub overlap_hours: Option<u32>,
}

#[derive(ToSchema)]
pub struct ReplayBody {
    /// Made then or later.
    #[schema(example = "2026-03-02T00:00:00+08:00")]
    pub since: String,
    /// Made earlier than this; now where it is left out.
    #[schema(example = "2026-03-03T00:00:00+08:00")]
    pub until: Option<String>,
    /// Kinds, families or `*`; all where it is left out.
    #[schema(example = json!(["shipment.*"]))]
    pub kinds: Option<Vec<String>>,
    /// dead, which is meant where it is left out, or all
    #[schema(example = "dead")]
    pub state: Option<String>,
    /// `next_after` of the call before, where there was more.
    pub after: Option<String>,
}

#[derive(ToSchema)]
pub struct CancellationBody {
    /// 1 to 200 characters. Merchants read it.
    #[schema(example = "fog")]
    pub reason: String,
}

#[derive(ToSchema)]
pub struct ClosingBody {
    #[schema(example = "2026-03-03T00:00:00+08:00")]
    pub from: String,
    /// Later than `from`, not over yet, at most 366 days after it.
    #[schema(example = "2026-03-05T00:00:00+08:00")]
    pub until: String,
    /// 1 to 200 characters. Merchants read it.
    #[schema(example = "typhoon")]
    pub reason: String,
}

#[derive(ToSchema)]
pub struct ClearanceBody {
    /// 9610, 1210, express or postal
    #[schema(example = "1210")]
    pub clearance: String,
}

#[derive(ToSchema)]
pub struct ScanBody {
    /// In its place, a bag or a unit: with all that is in it.
    #[schema(example = "pcl_01kb2m3z8te2gt8d1v6q8h4x5n-1")]
    pub parcel: Option<String>,
    /// The number of a bag, as it stands on its label. With a parcel that is packed into it or unpacked from it;
    /// without one, all that is in it.
    #[schema(example = "(00)106141411234567897")]
    pub bag: Option<String>,
    /// A consolidation's id and the number of a unit in it.
    #[schema(example = "con_01kb2m3z8te2gt8d1v6q8h4x5n/AKE-1")]
    pub unit: Option<String>,
    /// received, departed, offloaded, arrived, customs_presented, customs_held, customs_released, handed_over (of a
    /// parcel), packed or unpacked (of a parcel)
    #[schema(example = "received")]
    pub kind: String,
    #[schema(example = "2026-03-02T18:12:00+08:00")]
    pub occurred_at: String,
    /// With handed_over: the last mile's carrier.
    pub carrier: Option<String>,
    /// With handed_over: the carrier's number. One whose check digit is wrong is refused.
    pub tracking_number: Option<String>,
    /// With offloaded: the one that it did not leave with.
    #[schema(example = "L0002-20260303")]
    pub departure: Option<String>,
    pub note: Option<String>,
}
