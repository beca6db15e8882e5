"""The GraphQL documents for Shopify's Admin API; tests check them against the real schema."""

from __future__ import annotations

from typing import Final

CUSTOMERS: Final = """
query Customers($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, sortKey: ID, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes {
      legacyResourceId
      firstName
      lastName
      displayName
      locale
      state
      tags
      note
      numberOfOrders
      amountSpent { amount currencyCode }
      createdAt
      updatedAt
      defaultEmailAddress { emailAddress marketingState marketingUpdatedAt validFormat }
      defaultPhoneNumber { phoneNumber smsMarketingConsent { state updatedAt } }
      lastOrder { legacyResourceId name }
    }
  }
}
"""
"""A page of customers, for the import. Six objects for each customer: see `admin.MAX_PAGE`."""

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
