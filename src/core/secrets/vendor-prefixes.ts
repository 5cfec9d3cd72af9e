/** Written by scripts/vendor-prefixes.mjs from the rules of gitleaks 8.30.1, copyright (c) 2019 Zachary Rice, MIT. Do not edit. */
export const prefixes =
  'A3- ABSK AGE-SECRET-KEY-1 AKCp API- CLOJARS_ EAA EAAA EZAK EZTK FLWPUBK_TEST- FLWSECK_TEST- GR1348941 HRKU-AA LTAI PMAK- ' +
  'SG. api_org_ authress_ bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t doo_v1_ dop_v1_ dor_v1_ dp.pt. dt0c01. duffel_live_ ' +
  'duffel_test_ ext_ fio-u- gho_ ghp_ ghr_ ghs_ ghu_ github_pat_ glagent- glc_ glcbt- gldt- glffct- glft- glimt- gloas- ' +
  'glpat- glptt- glrt- glrt-t glsa_ glsoat- hf_ hvb. ico- lin_api_ npm_ ntn_ ops_eyJ p8e- pat. pnu_ pplx- pscale_oauth_ ' +
  'pscale_pw_ pscale_tkn_ pul- pypi-AgEIcHlwaS5vcmc rdme_ rk_live_ rk_prod_ rk_test_ rubygems_ s-s4t2af- s-s4t2ud- sat. sc_ ' +
  'scauth_ sgp_ shippo_live_ shippo_test_ shpat_ shpca_ shppa_ shpss_ sk-admin- sk-ant-admin01- sk-ant-api03- sk-proj- ' +
  'sk-svcacct- sk_live_ sk_prod_ sk_test_ sm_aat_ sm_pat_ sm_sat_ sntrys_eyJpYXQiO sntryu_ sq0atp- tk-us- v1.0- xapp- ' +
  'xkeysib- xoxb- xoxe-';
