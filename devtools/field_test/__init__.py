# SPDX-License-Identifier: BSD-3-Clause
"""The parts of devtools/field-test: checks (may it be done?), trial (do it), report."""
