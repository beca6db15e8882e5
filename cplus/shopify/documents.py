"""The GraphQL documents for Shopify's Admin API; tests check them against the real schema."""

from __future__ import annotations

from typing import Final

_CUSTOMER: Final = (
    "legacyResourceId",
    "firstName",
    "lastName",
    "displayName",
    "locale",
    "state",
    "tags",
    "note",
    "numberOfOrders",
    "amountSpent { amount currencyCode }",
    "createdAt",
    "updatedAt",
    "defaultEmailAddress { emailAddress marketingState marketingUpdatedAt validFormat }",
    "defaultPhoneNumber { phoneNumber smsMarketingConsent { state updatedAt } }",
    "lastOrder { legacyResourceId name }",
)
"""What is asked of a customer, one by one or all in bulk."""

CUSTOMERS: Final = """
query Customers($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, sortKey: ID, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes {
      FIELDS
    }
  }
}
""".replace("FIELDS", "\n      ".join(_CUSTOMER))
"""A page of customers, for the import. Six objects for each customer: see `admin.MAX_PAGE`."""

CUSTOMERS_IN_BULK: Final = """
{
  customers(sortKey: ID, query: "id:>0") {
    edges {
      node {
        FIELDS
      }
    }
  }
}
""".replace("FIELDS", "\n      ".join(_CUSTOMER))
"""Every customer behind an id, for a bulk operation, which takes no variables: `id:>0` is replaced.
The same fields as of `CUSTOMERS`; connections are asked for by their edges."""

_ORDER: Final = """legacyResourceId
      name
      email
      createdAt
      updatedAt
      cancelledAt
      currencyCode
      totalPriceSet { shopMoney { amount } }
      currentTotalPriceSet { shopMoney { amount } }
      displayFinancialStatus
      displayFulfillmentStatus
      test
      customer { legacyResourceId }
      fulfillments(first: 10) {
        legacyResourceId
        status
        displayStatus
        createdAt
        updatedAt
        trackingInfo(first: 5) { company number url }
      }"""
"""What is asked of an order, by pages or in bulk, but for what differs there."""

_ITEM: Final = "id title variantTitle quantity currentQuantity unfulfilledQuantity"
_MOVED: Final = "kind status amountSet { presentmentMoney { amount currencyCode } }"

ORDERS: Final = (
    """
query Orders($first: Int!, $query: String!) {
  orders(first: $first, sortKey: ID, query: $query) {
    pageInfo { hasNextPage }
    nodes {
      FIELDS
      lineItems(first: 50) {
        pageInfo { hasNextPage }
        nodes { ITEM }
      }
      refunds(first: 10) {
        legacyResourceId
        createdAt
        processedAt
        transactions(first: 3) {
          nodes { MOVED }
        }
      }
    }
  }
}
""".replace("FIELDS", _ORDER)
    .replace("ITEM", _ITEM)
    .replace("MOVED", _MOVED)
)
"""A page of orders with what `cplus.shopify.orders` reads of a webhook."""

ORDERS_IN_BULK: Final = """
{
  orders(sortKey: ID, query: "id:>0") {
    edges {
      node {
      id
      FIELDS
      lineItems { edges { node { ITEM } } }
      refunds(first: 10) { id legacyResourceId createdAt processedAt }
      }
    }
  }
}
""".replace("FIELDS", _ORDER).replace("ITEM", _ITEM)
"""Every order behind an id, for a bulk operation: `id:>0` is replaced. Line items have lines of
their own. What moved with a refund is asked for by `REFUNDS`: bulk operations refuse a connection
inside a list."""

REFUNDS: Final = """
query Refunds($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Refund { id transactions(first: 3) { nodes { MOVED } } }
  }
}
""".replace("MOVED", _MOVED)
"""What moved with some refunds."""

ORDERS_COUNT: Final = """
query OrdersCount($query: String!) {
  ordersCount(limit: null, query: $query) { count precision }
}
"""
"""How many orders of the shop match the search."""

CUSTOMERS_COUNT: Final = """
query CustomersCount {
  customersCount(limit: null) { count precision }
}
"""
"""How many customers the shop has; without a limit Shopify would count to 10,000."""

BULK_RUN: Final = """
mutation BulkRun($query: String!, $grouped: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { id }
    userErrors { code }
  }
}
"""
"""Starts a bulk operation, whose result is a file; `grouped` has what belongs to an object follow
it there."""

BULK_CANCEL: Final = """
mutation BulkCancel($id: ID!) {
  bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { message } }
}
"""
"""Ends a bulk operation that nobody waits for any more."""

BULK_OPERATION: Final = """
query BulkOperation($id: ID!) {
  bulkOperation(id: $id) { id status errorCode fileSize url partialDataUrl }
}
"""
"""How far a bulk operation is, and where its file lies."""

BULK_OPERATIONS: Final = """
query BulkOperations($query: String!) {
  bulkOperations(first: 10, sortKey: CREATED_AT, reverse: true, query: $query) {
    nodes { id status createdAt query }
  }
}
"""
"""The newest bulk operations, to find one whose start was not recorded."""

CUSTOMER: Final = """
query Customer($id: ID!) {
  customer(id: $id) {
    legacyResourceId
  }
}
"""
"""Whether a customer is there."""

SHOP: Final = """
query Shop {
  shop {
    id
    name
    email
    contactEmail
    myshopifyDomain
    primaryDomain { host }
    currencyCode
    ianaTimezone
    shopAddress { countryCodeV2 }
    createdAt
    plan { publicDisplayName shopifyPlus partnerDevelopment }
  }
}
"""
"""The data of the shop itself."""
